/** Where the database is: DATABASE_URL, or the embedded Postgres of this machine. */
import type { Config } from '../base/config';

export const postgresRole = 'vm_webhoster';
export const embeddedDatabase = 'vm_webhoster';

export function postgresUrl({
  port,
  password,
  database,
}: {
  port: number;
  password: string;
  database: string;
}): string {
  return `postgres://${postgresRole}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}

export function databaseUrl(config: Config): string {
  if (config.DATABASE_URL !== undefined) return config.DATABASE_URL;
  return postgresUrl({
    port: config.POSTGRES_PORT,
    password: config.POSTGRES_PASSWORD ?? '',
    database: embeddedDatabase,
  });
}
