/** The Postgres connection. Every change of data is one transaction; the schema comes from migrations only. */
import 'reflect-metadata';
import { DataSource, type EntityManager } from 'typeorm';
import { databaseUnavailable } from '../errors';
import { HostingRow } from './entities/hosting';
import { OperationEventRow, OperationRow, OperationStepRow } from './entities/operation';
import { NodeRow, RunRow, StackRow } from './entities/stack';
import { UserRow } from './entities/user';
import { Initial1763800000001 } from './migrations/0001-initial';
import { SweepsAndRestores1763800000002 } from './migrations/0002-sweeps-and-restores';
import { OpenOperations1763800000003 } from './migrations/0003-open-operations';

/** A transaction, or the plain connection pool where one statement is enough. */
export type Tx = EntityManager;

export interface Database {
  /** Outside any transaction: for reads and single statements. */
  readonly direct: Tx;
  transaction<T>(body: (tx: Tx) => Promise<T>): Promise<T>;
  migrate(): Promise<void>;
  close(): Promise<void>;
}

/** @throws {EngineError} database_unavailable */
export async function openDatabase(url: string): Promise<Database> {
  const source = new DataSource({
    type: 'postgres',
    url,
    entities: [
      UserRow,
      HostingRow,
      OperationRow,
      OperationStepRow,
      OperationEventRow,
      StackRow,
      NodeRow,
      RunRow,
    ],
    migrations: [Initial1763800000001, SweepsAndRestores1763800000002, OpenOperations1763800000003],
    migrationsTableName: 'schema_migrations',
    migrationsTransactionMode: 'all',
    extra: { max: 16, connectionTimeoutMillis: 10_000, query_timeout: 30_000, keepAlive: true },
  });
  try {
    await source.initialize();
  } catch (cause) {
    throw databaseUnavailable(cause);
  }
  return {
    direct: source.manager,
    transaction: (body) => source.transaction(body),
    migrate: async () => {
      // Two processes that start together must not run the same migration twice.
      await source.transaction(async (tx) => {
        await tx.query(`SELECT pg_advisory_xact_lock(hashtext('vm-webhoster migrations'))`);
        await source.runMigrations();
      });
    },
    close: () => source.destroy(),
  };
}

/** The constraint a failed write ran into, e.g. `users_email_key`; null when it was something else. */
export function violatedConstraint(thrown: unknown): string | null {
  const driver = (thrown as { driverError?: { code?: string; constraint?: string } } | null)?.driverError;
  return driver?.code === '23505' ? (driver.constraint ?? null) : null;
}
