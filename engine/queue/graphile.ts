/** The queue on the same Postgres, by graphile-worker: `add_job` is SQL, LISTEN/NOTIFY wakes a worker in milliseconds. */
import { Logger, type Runner, run, runMigrations } from 'graphile-worker';
import { systemClock } from '../clock';
import { toEngineError } from '../errors';
import { type Log, oncePerMinute } from '../log';
import type { Queue } from './queue';

const task = 'stack';
const restartDelayMs = 1_000;

export interface GraphileOptions {
  readonly connectionString: string;
  readonly concurrency: number;
  readonly log: Log;
}

export async function migrateQueue(connectionString: string): Promise<void> {
  await runMigrations({ connectionString });
}

export function graphileQueue({ connectionString, concurrency, log }: GraphileOptions): Queue {
  const handover = new AbortController();
  let runner: Runner | null = null;
  const worthTelling = oncePerMinute();

  const begin = async (perform: Parameters<Queue['start']>[0]): Promise<void> => {
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
        [task]: (payload) => perform((payload as { stackId: string }).stackId, handover.signal),
      },
    });
    runner = begun;
    // A worker whose database went away while it finished a job is gone for good: start all of them anew.
    begun.events.once('worker:fatalError', () => {
      if (runner === begun) void beginAgain(perform, begun);
    });
  };
  const beginAgain = async (perform: Parameters<Queue['start']>[0], broken: Runner): Promise<void> => {
    runner = null;
    log.warn({}, 'queue lost its workers, starting others');
    while (runner === null && !handover.signal.aborted) {
      await systemClock.sleep(restartDelayMs);
      await begin(perform).catch((err: unknown) => {
        if (worthTelling('start')) log.warn({ err: toEngineError(err) }, 'queue cannot be started yet');
      });
    }
    await broken.stop().catch(() => undefined);
  };

  return {
    get working() {
      return runner !== null;
    },
    enqueue: async (tx, stackId, options = {}) => {
      // One job per stack at a time: a second one replaces it, unless it already runs, but keeps its place in the queue.
      await tx.query(
        `SELECT graphile_worker.add_job($1, json_build_object('stackId', $2::text),
           run_at := clock_timestamp() + $3 * interval '1 ms', max_attempts := 25, job_key := $2::text,
           job_key_mode := 'preserve_run_at')`,
        [task, stackId, options.delayMs ?? 0],
      );
    },
    start: begin,
    stop: async () => {
      handover.abort(new Error('this worker is stopping'));
      const stopping: Runner | null = runner;
      runner = null;
      await stopping?.stop();
    },
  };
}
