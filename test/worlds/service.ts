/** The whole service but for the machine: HTTP, engine, queue and PostgreSQL are real, libvirt, Terraform and Nginx fakes. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Express } from 'express';
import { createApp } from '../../api/app';
import type { Config } from '../../engine/base/config';
import type { Engine } from '../../engine/engine';
import type { User } from '../../engine/model/account';
import { createLog } from '../../engine/base/log';
import { startEngine } from '../../engine/start';
import { type Database, openDatabase } from '../../engine/store/database';
import { setRole } from '../../engine/store/users';
import { FakeHost } from '../fakes/fake-host';
import { fakeParts, readyNode, testConfig } from './fake-parts';

export interface SignedInUser {
  readonly user: User;
  readonly email: string;
  readonly password: string;
  readonly token: string;
}

export interface TestService {
  readonly app: Express;
  readonly engine: Engine;
  readonly config: Config;
  readonly host: FakeHost;
  /** For what no interface shows. */
  readonly database: Database;
  /** What the service logged, one line each. */
  readonly lines: string[];
  newUser(role?: User['role']): Promise<SignedInUser>;
  close(): Promise<void>;
}

/** @param url  of a migrated database */
export async function startService(url: string, settings: Record<string, string> = {}): Promise<TestService> {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-service-'));
  const noLimits = { RATE_LIMIT_PER_MINUTE: '0', RATE_LIMIT_ANONYMOUS_PER_MINUTE: '0' };
  const config = testConfig({ dir, url }, { ...noLimits, ...settings });
  const host = new FakeHost();
  const database = await openDatabase(url);
  await readyNode({ config, database });
  const log = createLog(process.env.TEST_LOG ?? 'silent');
  const engine = await startEngine(config, log, fakeParts(host));
  const lines: string[] = [];
  const keep = (...line: unknown[]): void => void lines.push(JSON.stringify(line));
  const logger = { info: keep, warn: keep, error: keep };
  const app = createApp({ engine, config, logger: logger as never });
  return {
    ...{ app, engine, config, host, database, lines },
    newUser: (role = 'user') => newUser(engine, database, role),
    close: async () => {
      await engine.close();
      await database.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function newUser(engine: Engine, database: Database, role: User['role']): Promise<SignedInUser> {
  const name = `u-${randomUUID().slice(0, 8)}`;
  const email = `${name}@example.org`;
  const password = `passphrase of ${name}`;
  await engine.accounts.register({ email, username: name, password });
  const user = await setRole(database.direct, email, role);
  const { accessToken } = await engine.accounts.login({ email, password });
  return { user, email, password, token: accessToken };
}
