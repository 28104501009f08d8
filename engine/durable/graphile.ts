/** The queue on the same Postgres, by graphile-worker: `add_job` is SQL, LISTEN/NOTIFY wakes a worker in milliseconds. */
import { Logger, type Runner, run, runMigrations } from 'graphile-worker';
import { systemClock } from '../base/clock';
import { toEngineError } from '../base/errors';
import { type Log, oncePerMinute } from '../base/log';
import type { Lane } from '../model/lane';
import type { Queue } from './queue';

/** Task of a lane's jobs. */
const tasks: Readonly<Record<Lane, string>> = { boots: 'stack', quick: 'quick-stack' };
/** What is quick waits for the guest or for Nginx most of its time. */
const quickConcurrency = 4;
const restartDelayMs = 1_000;

export interface GraphileOptions {
  readonly connectionString: string;
  readonly concurrency: number;
  readonly log: Log;
}

export async function migrateQueue(connectionString: string): Promise<void> {
  await runMigrations({ connectionString });
}

export function graphileQueue(options: GraphileOptions): Queue {
  const handover = new AbortController();
  const lanes = [
    lane(tasks.boots, options, handover.signal),
    lane(tasks.quick, { ...options, concurrency: quickConcurrency }, handover.signal),
  ];
  return {
    get working() {
      return lanes.every(({ working }) => working());
    },
    enqueue: async (tx, stackId, { delayMs = 0, lane: wanted, priority }) => {
      // One job per stack at a time: a second one replaces it, unless it already runs, but keeps its place in the queue.
      await tx.query(
        `SELECT graphile_worker.add_job($1, json_build_object('stackId', $2::text),
           run_at := clock_timestamp() + $3 * interval '1 ms', max_attempts := 25, job_key := $2::text,
           priority := $4::int, job_key_mode := 'preserve_run_at')`,
        [tasks[wanted], stackId, delayMs, priority],
      );
    },
    start: async (perform) => {
      for (const each of lanes) await each.begin(perform);
    },
    stop: async () => {
      handover.abort(new Error('this worker is stopping'));
      await Promise.all(lanes.map((each) => each.stop()));
    },
  };
}

type Perform = Parameters<Queue['start']>[0];

interface LaneWorkers {
  begin(perform: Perform): Promise<void>;
  stop(): Promise<void>;
  working(): boolean;
}

/** Workers that take the jobs of one task and no others. */
function lane(
  task: string,
  { connectionString, concurrency, log }: GraphileOptions,
  handover: AbortSignal,
): LaneWorkers {
  let runner: Runner | null = null;
  const worthTelling = oncePerMinute();

  const begin = async (perform: Perform): Promise<void> => {
    const begun = await run({
      connectionString,
      concurrency,
      maxPoolSize: concurrency + 2,
      noHandleSignals: true,
      pollInterval: 2_000,
      logger: new Logger(() => (level, message) => {
        const matters = level === 'error' || level === 'warning';
        // numbers and ids differ from one message to the next of the same kind
        if (matters && worthTelling(message.replace(/[\da-f]{4,}|\d+/g, '#')))
          log.warn({ queue: message }, 'queue');
      }),
      taskList: {
        [task]: (payload) => perform((payload as { stackId: string }).stackId, handover),
      },
    });
    runner = begun;
    // A worker whose database went away while it finished a job is gone for good: start all of them anew.
    begun.events.once('worker:fatalError', () => {
      if (runner === begun) void beginAgain(perform, begun);
    });
  };
  const beginAgain = async (perform: Perform, broken: Runner): Promise<void> => {
    runner = null;
    log.warn({}, 'queue lost its workers, starting others');
    while (runner === null && !handover.aborted) {
      await systemClock.sleep(restartDelayMs);
      await begin(perform).catch((err: unknown) => {
        if (worthTelling('start')) log.warn({ err: toEngineError(err) }, 'queue cannot be started yet');
      });
    }
    await broken.stop().catch(() => undefined);
  };

  return {
    begin,
    working: () => runner !== null,
    stop: async () => {
      const stopping: Runner | null = runner;
      runner = null;
      await stopping?.stop();
    },
  };
}
