/** The queue on the same Postgres, by graphile-worker: `add_job` is SQL, LISTEN/NOTIFY wakes a worker in milliseconds. */
import { Logger, type Runner, run, runMigrations } from 'graphile-worker';
import type { Log } from '../log';
import type { Queue } from './queue';

const task = 'operation';

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
  return {
    get working() {
      return runner !== null;
    },
    enqueue: async (tx, operationId, options = {}) => {
      // One job per operation at a time: a second one for the same key replaces it, unless it already runs.
      await tx.query(
        `SELECT graphile_worker.add_job($1, json_build_object('operationId', $2::text),
           run_at := clock_timestamp() + $3 * interval '1 ms', max_attempts := 25, job_key := $2::text)`,
        [task, operationId, options.delayMs ?? 0],
      );
    },
    start: async (perform) => {
      runner = await run({
        connectionString,
        concurrency,
        maxPoolSize: concurrency + 2,
        noHandleSignals: true,
        pollInterval: 2_000,
        logger: new Logger(() => (level, message) => {
          if (level === 'error' || level === 'warning') log.warn({ queue: message }, 'queue');
        }),
        taskList: {
          [task]: (payload) => perform((payload as { operationId: string }).operationId, handover.signal),
        },
      });
    },
    stop: async () => {
      handover.abort(new Error('this worker is stopping'));
      await runner?.stop();
      runner = null;
    },
  };
}
