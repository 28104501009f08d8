/** A world to make backups of and to restore them from, with the fake host for both. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type BackupSummary,
  makeBackup,
  restoreBackup,
  type RestoreOptions,
  type RestoreReport,
} from '../../engine/backup';
import type { Config } from '../../engine/base/config';
import type { Hosting } from '../../engine/model/hosting';
import type { User } from '../../engine/model/account';
import { createLog } from '../../engine/base/log';
import type { Parts } from '../../engine/durable';
import { type Database, openDatabase } from '../../engine/store/database';
import { instantClock } from '../fakes/instant-clock';
import { fakeParts } from './fake-parts';
import { loadDatabase, type Manifest, withBackup } from '../support/archives';
import { emptyDatabase } from '../support/postgres';
import { openWorld, type World } from './world';

export const log = createLog('silent');

export interface BackupWorld {
  readonly world: World;
  /** Where the backup goes, alone in its directory. */
  readonly file: string;
  /** Another machine: a database without a table, and no workspace. */
  elsewhere(change?: Partial<Config>): Promise<Config>;
  backup(config?: Config, existing?: 'refuse' | 'replace'): Promise<BackupSummary>;
  restore(config: Config, change?: Partial<RestoreOptions>): Promise<RestoreReport>;
  /** Loads and does nothing else. */
  load(url: string): Promise<string[]>;
  manifest(): Promise<Manifest>;
  /** The parts of the host that hostings are made on. */
  fakes(): Partial<Parts>;
  runningHosting(): Promise<{ user: User; hosting: Hosting }>;
  /** Closed with the world. */
  open(url: string): Promise<Database>;
  close(): Promise<void>;
}

export async function openBackupWorld(): Promise<BackupWorld> {
  const world = await openWorld();
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-backup-'));
  const file = path.join(dir, 'files', 'backup');
  mkdirSync(path.dirname(file));
  const opened: Database[] = [];
  const never = new AbortController().signal;
  const fakes = (): Partial<Parts> => ({ ...fakeParts(world.host), clock: instantClock() });
  return {
    world,
    file,
    fakes,
    elsewhere: async (change) => ({
      ...world.config,
      DATABASE_URL: await emptyDatabase(),
      workspacesDir: path.join(dir, 'workspaces'),
      ...change,
    }),
    backup: (config = world.config, existing = 'refuse') =>
      makeBackup(config, file, { existing, signal: never }),
    restore: (config, change) => {
      const ignore = (): void => undefined;
      const usual: RestoreOptions = {
        who: 'operator tests',
        existing: 'refuse',
        stateKey: 'of the backup',
        signal: never,
        onEvent: ignore,
        onResult: ignore,
      };
      return restoreBackup(config, log, file, { ...usual, ...change }, fakes());
    },
    load: (url) =>
      withBackup(file, (found) => loadDatabase(url, found, { existing: 'refuse', signal: never })),
    manifest: () => withBackup(file, (found) => Promise.resolve(found.manifest)),
    runningHosting: async () => {
      const user = await world.newUser();
      const { hosting } = await world.engine.hostings.create(user, { idempotencyKey: 'once' });
      await world.work(hosting.id);
      return { user, hosting };
    },
    open: async (url) => {
      const database = await openDatabase(url);
      opened.push(database);
      return database;
    },
    close: async () => {
      for (const database of opened) await database.close();
      await world.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export async function tableNames(database: Database): Promise<string[]> {
  const rows: { name: string }[] = await database.direct.query(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`,
  );
  return rows.map(({ name }) => name);
}

/** Every row of every table, and where every sequence stands. */
export async function everything(database: Database): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  for (const name of await tableNames(database))
    found[name] = await database.direct.query(`SELECT t::text AS row FROM "${name}" t ORDER BY 1`);
  const sequences: { name: string }[] = await database.direct.query(
    `SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'public'`,
  );
  for (const { name } of sequences)
    found[name] = await database.direct.query(`SELECT last_value, is_called FROM "${name}"`);
  return found;
}

export const refusal = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'validation_failed', message: expect.stringMatching(message) });
