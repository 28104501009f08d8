/** The Postgres connection. Every change of data is one transaction; the schema comes from migrations only. */
import 'reflect-metadata';
import { DataSource, type EntityManager, MigrationExecutor } from 'typeorm';
import { databaseUnavailable } from '../base/errors';
import { HostingRow } from './entities/hosting';
import { OperationEventRow, OperationRow, OperationStepRow } from './entities/operation';
import { NodeRow, RunRow, StackRow } from './entities/stack';
import { UserRow } from './entities/user';
import { Initial1763800000001 } from './migrations/0001-initial';
import { SweepsAndRestores1763800000002 } from './migrations/0002-sweeps-and-restores';
import { OpenOperations1763800000003 } from './migrations/0003-open-operations';
import { RunHistory1763800000004 } from './migrations/0004-run-history';
import { Drift1763800000005 } from './migrations/0005-drift';
import { EjectedHostings1763800000006 } from './migrations/0006-ejected-hostings';
import { FailedLooks1763800000007 } from './migrations/0007-failed-looks';
import { Labels1763800000008 } from './migrations/0008-labels';
import { Accounts1763800000009 } from './migrations/0009-accounts';
import { Audit1763800000010 } from './migrations/0010-audit';
import { GuestLimits1763800000012 } from './migrations/0012-guest-limits';
import { WorkerReports1763800000013 } from './migrations/0013-worker-reports';
import { Https1763800000014 } from './migrations/0014-https';
import { Measures1763800000015 } from './migrations/0015-measures';
import { Spares1763800000016 } from './migrations/0016-spares';
import { Sleeping1763800000017 } from './migrations/0017-sleeping';
import { Traces1763800000019 } from './migrations/0019-traces';
import { UsualTimes1763800000021 } from './migrations/0021-usual-times';
import { SavedSpares1763800000022 } from './migrations/0022-saved-spares';
import { StepTries1763800000023 } from './migrations/0023-step-tries';
import { Troubles1763800000024 } from './migrations/0024-troubles';
import { Records1763800000026 } from './migrations/0026-records';
import { QuickStatements1763800000028 } from './migrations/0028-quick-statements';
import { BoundedGrowth1763800000029 } from './migrations/0029-bounded-growth';
import { EmailKeys1763800000030 } from './migrations/0030-email-keys';
import { RetiredUsernames1763800000031 } from './migrations/0031-retired-usernames';
import { NodeCapacity1763800000033 } from './migrations/0033-node-capacity';
import { MachineReports1763800000035 } from './migrations/0035-machine-reports';
import { ReconcilerLooks1763800000036 } from './migrations/0036-reconciler-looks';
import { VmLost1763800000037 } from './migrations/0037-vm-lost';
import { OperationKinds1763800000038 } from './migrations/0038-operation-kinds';
import { lock } from './locks';

/** A transaction, or the plain connection pool if one statement is enough. */
export type Tx = EntityManager;

export interface Database {
  /** Outside any transaction: for reads and single statements. */
  readonly direct: Tx;
  transaction<T>(body: (tx: Tx) => Promise<T>): Promise<T>;
  migrate(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Oldest first: each builds on those before it. A number that is missing was given to a change that
 * came to the main line in another shape: a number that was once taken is not taken again.
 */
const migrations = [
  Initial1763800000001,
  SweepsAndRestores1763800000002,
  OpenOperations1763800000003,
  RunHistory1763800000004,
  Drift1763800000005,
  EjectedHostings1763800000006,
  FailedLooks1763800000007,
  Labels1763800000008,
  Accounts1763800000009,
  Audit1763800000010,
  GuestLimits1763800000012,
  WorkerReports1763800000013,
  Https1763800000014,
  Measures1763800000015,
  Spares1763800000016,
  Sleeping1763800000017,
  Traces1763800000019,
  UsualTimes1763800000021,
  SavedSpares1763800000022,
  StepTries1763800000023,
  Troubles1763800000024,
  Records1763800000026,
  QuickStatements1763800000028,
  BoundedGrowth1763800000029,
  EmailKeys1763800000030,
  RetiredUsernames1763800000031,
  NodeCapacity1763800000033,
  MachineReports1763800000035,
  ReconcilerLooks1763800000036,
  VmLost1763800000037,
  OperationKinds1763800000038,
];

/** The names in the table `schema_migrations`. */
export const migrationNames: readonly string[] = migrations.map(({ name }) => name);

const longestStatementMs = 30_000;

/** @throws {EngineError} database_unavailable */
export async function openDatabase(url: string): Promise<Database> {
  const source = await connect(url, {
    max: 16,
    // PostgreSQL ends a statement that takes longer, which frees its connection; the client gives up on a server that is silent
    statement_timeout: longestStatementMs,
    query_timeout: longestStatementMs + 5_000,
    // a frozen process must not keep its locks: on a stack's lease, on the proxy
    idle_in_transaction_session_timeout: 15_000,
  });
  return {
    direct: source.manager,
    transaction: (body) => source.transaction(body),
    migrate: () => migrate(url),
    close: () => source.destroy(),
  };
}

/** By a connection of its own: an index of a large table takes longer than any other statement may. */
async function migrate(url: string): Promise<void> {
  const source = await connect(url, { max: 1 });
  try {
    await source.transaction(async (tx) => {
      await lockMigrations(tx);
      await applyMigrations(tx);
    });
  } finally {
    await source.destroy();
  }
}

/** @param pool  settings of the connection pool. @throws {EngineError} database_unavailable */
export async function connect(url: string, pool: Readonly<Record<string, number>>): Promise<DataSource> {
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
    migrations: [...migrations],
    migrationsTableName: 'schema_migrations',
    extra: { connectionTimeoutMillis: 10_000, keepAlive: true, ...pool },
  });
  try {
    return await source.initialize();
  } catch (cause) {
    throw databaseUnavailable(cause);
  }
}

/** Locks until the transaction ends: two processes that start together must not run the same migration twice. */
export async function lockMigrations(tx: Tx): Promise<void> {
  await lock(tx, 'migrations');
}

/**
 * Applies the missing migrations in order. The caller's transaction must hold their lock.
 *
 * @param wanted  names of those to apply. @default all
 */
export async function applyMigrations(tx: Tx, wanted: readonly string[] = migrationNames): Promise<void> {
  const { queryRunner } = tx;
  if (queryRunner === undefined) throw new Error('migrations need a transaction');
  const executor = new MigrationExecutor(queryRunner.dataSource, queryRunner);
  for (const migration of await executor.getPendingMigrations())
    if (wanted.includes(migration.name)) await executor.executeMigration(migration);
}

/** The constraint that a failed write violated, e.g. `users_email_key`; null if it failed otherwise. */
export function violatedConstraint(thrown: unknown): string | null {
  const driver = (thrown as { driverError?: { code?: string; constraint?: string } } | null)?.driverError;
  return driver?.code === '23505' ? (driver.constraint ?? null) : null;
}
