/** The PostgreSQL of this machine: the embedded one, unless DATABASE_URL names another server. */
import path from 'node:path';
import type { Config } from '../base/config';
import { hasDatabase, startEmbeddedPostgres, stopEmbeddedPostgres } from './embedded-postgres';
import { embeddedDatabase } from './url';

/** Does nothing if DATABASE_URL names another server. @returns whether this call started it */
export async function startPostgres(config: Config): Promise<boolean> {
  return config.DATABASE_URL === undefined && (await startEmbeddedPostgres(embedded(config)));
}

/** True if there is a database that `startPostgres` would start, or another server. */
export function postgresExists(config: Config): boolean {
  return config.DATABASE_URL !== undefined || hasDatabase(embedded(config).dir);
}

export async function stopPostgres(config: Config): Promise<void> {
  if (config.DATABASE_URL === undefined) await stopEmbeddedPostgres(embedded(config));
}

function embedded(config: Config): Parameters<typeof startEmbeddedPostgres>[0] {
  return {
    dir: path.join(config.DATA_DIR, 'postgres'),
    cacheDir: config.CACHE_DIR,
    port: config.POSTGRES_PORT,
    password: config.POSTGRES_PASSWORD ?? '',
    database: embeddedDatabase,
  };
}
