/** Backups are made and loaded while the service runs and while it is stopped: the embedded PostgreSQL is left as it was. */
import type { Config } from '../base/config';
import { postgresExists, startPostgres, stopPostgres } from '../store/postgres';
import { refused } from './manifest';

/** @param missing  what becomes of a data directory that is not there. @throws {EngineError} database_unavailable */
export async function withPostgres<T>(
  config: Config,
  { missing }: { readonly missing: 'refuse' | 'make' },
  body: () => Promise<T>,
): Promise<T> {
  if (missing === 'refuse' && !postgresExists(config)) throw refused('There is no database on this machine');
  const started = await startPostgres(config);
  try {
    return await body();
  } finally {
    // one that stays up does no harm, and must not hide how the work went
    if (started) await stopPostgres(config).catch(() => undefined);
  }
}
