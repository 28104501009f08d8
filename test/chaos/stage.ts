/** Where a run takes place: a whole system of its own with an API, Nginx and Postgres that live, and workers that die. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Pool } from 'pg';
import { embeddedDatabase, postgresUrl } from '../../engine/store/url';
import { startSystem, type System } from '../worlds/system';
import { type Crew, startCrew } from './crew';
import { openFaults } from './faults';
import { removeOrphans } from './traces';
import { type EmulatorWatch, watchDatabase, watchEmulators, writeWitnesses } from './witness';

export interface Stage {
  readonly system: System;
  readonly database: Pool;
  readonly crew: Crew;
  readonly emulators: EmulatorWatch;
  /** Planned faults, the witness's notes, logs; stays when it is closed. */
  readonly dir: string;
  workspaceOf(stackId: string): string;
  /** Stops and removes everything. @throws when something of ours is left on the machine */
  close(): Promise<void>;
}

export async function openStage(workers: number): Promise<Stage> {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-chaos-'));
  const system = await openSystem(dir).catch((error: unknown) => {
    rmSync(dir, { recursive: true });
    throw error;
  });
  const { POSTGRES_PORT, POSTGRES_PASSWORD = '', DATA_DIR = '' } = system.env;
  const port = Number(POSTGRES_PORT);
  const url = postgresUrl({ port, password: POSTGRES_PASSWORD, database: embeddedDatabase });
  await watchDatabase(url);
  const database = new Pool({ connectionString: url, max: 4 });
  const crew = startCrew({
    size: workers,
    env: { ...system.env, CHAOS_DIR: dir },
    logFile: path.join(dir, 'workers.log'),
  });
  const emulators = watchEmulators();
  return {
    system,
    database,
    crew,
    emulators,
    dir,
    workspaceOf: (stackId) => path.join(DATA_DIR, 'workspaces', stackId),
    close: async () => {
      emulators.stop();
      await crew.stop();
      await database.end();
      const apiLog = path.join(DATA_DIR, 'api.log');
      if (existsSync(apiLog)) copyFileSync(apiLog, path.join(dir, 'api.log'));
      await removeOrphans(system);
      await system.close();
    },
  };
}

async function openSystem(dir: string): Promise<System> {
  openFaults(dir);
  const terraform = writeWitnesses(dir, {
    terraform: findProgram(process.env.TERRAFORM_BIN ?? 'terraform'),
    virsh: findProgram('virsh'),
  });
  return startSystem('micro', {
    ROLE: 'api',
    // a name in the database for those who are no workers
    PGAPPNAME: 'service',
    PATH: `${path.dirname(terraform)}:${process.env.PATH ?? ''}`,
    TERRAFORM_BIN: terraform,
  });
}

function findProgram(name: string): string {
  const candidates = name.includes('/')
    ? [name]
    : (process.env.PATH ?? '').split(':').map((dir) => path.join(dir, name));
  const found = candidates.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is not installed`);
  return path.resolve(found);
}
