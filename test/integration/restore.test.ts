/** Backups brought back into a real database: what goes on afterwards, and what is refused. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { accounts } from '../../engine/accounts';
import { EngineError } from '../../engine/base/errors';
import { operations, postgresEventBus } from '../../engine/durable';
import { connectParts } from '../../engine/start';
import { rewrite } from '../../engine/store/bulk';
import { applyMigrations, migrationNames } from '../../engine/store/database';
import { claimLease, fenced } from '../../engine/store/leases';
import {
  type BackupWorld,
  everything,
  log,
  openBackupWorld,
  refusal,
  tableNames,
} from '../worlds/backup-world';
import { type Manifest, names, readText, withBackup, writeArchive } from '../support/archives';
import { cloneDatabase, emptyDatabase } from '../support/postgres';
import { expireLeases } from '../support/rows';

jest.setTimeout(60_000);

let here: BackupWorld;
beforeEach(async () => {
  here = await openBackupWorld();
});
afterEach(() => here.close());

describe('a restore', () => {
  it('a restore plans every stack in a new workspace, continues the sequences, and reports when the backup was made', async () => {
    const { user, hosting } = await here.runningHosting();
    const gone = await here.runningHosting();
    await here.backup();
    // libvirt lost one of the two since
    here.world.host.domains.delete(gone.hosting.vmName);
    await rm(here.world.config.workspacesDir, { recursive: true });
    const config = await here.elsewhere();
    const results: string[] = [];
    const report = await here.restore(config, { onResult: ({ id }) => results.push(id) });
    expect(report).toMatchObject({ warnings: [], planning: null, backup: { version: expect.any(String) } });
    expect(report.stacks.map(({ id, kind, result, detail }) => ({ id, kind, result, detail }))).toEqual(
      [
        { id: hosting.id, kind: 'hosting', result: 'no changes', detail: '' },
        { id: gone.hosting.id, kind: 'hosting', result: 'changes', detail: 'libvirt_domain.vm: create' },
      ].sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
    expect(results.sort()).toEqual([hosting.id, gone.hosting.id].sort());
    expect(readdirSync(path.join(config.workspacesDir, hosting.id))).toEqual(
      expect.arrayContaining(['cdk.tf.json', 'plan.tfplan', 'terraform.tfstate']),
    );
    const restored = await here.open(config.DATABASE_URL ?? '');
    const [row] = (await restored.direct.query(`SELECT backup_made_at FROM restores`)) as {
      backup_made_at: Date;
    }[];
    expect(row?.backup_made_at).toEqual(report.backup.madeAt);
    const next = await accounts(restored, config).register({
      email: 'next@example.org',
      username: 'next-one',
      password: 'x'.repeat(20),
    });
    expect(next.id).toBe(user.id + 2);
  });

  it('a restore revokes every lease and never issues a lease token twice', async () => {
    const { hosting } = await here.runningHosting();
    const { direct } = here.world.parts.database;
    const stale = await claimLease(direct, hosting.id, 'worker of before', 30_000);
    const user = await here.world.newUser();
    const waiting = await here.world.engine.hostings.create(user, {});
    await here.backup();
    // claimed after the backup was made: the restored database has never heard of these
    const later = await claimLease(direct, waiting.hosting.id, 'worker of before', 30_000);
    const url = await emptyDatabase();
    await here.load(url);
    const restored = await here.open(url);
    for (const lease of [stale!, later!]) {
      const next = await claimLease(restored.direct, lease.stackId, 'worker of now', 30_000);
      expect(next).not.toBeNull();
      expect(BigInt(next!.token)).toBeGreaterThan(BigInt(lease.token) + 1_000n);
      await expect(fenced(restored, lease, () => Promise.resolve())).rejects.toMatchObject({
        code: 'lease_lost',
      });
    }
    // a second restore of the same backup goes above the first
    await expireLeases(restored.direct);
    const [first] = (await restored.direct.query(`SELECT max(token) AS token FROM leases`)) as {
      token: string;
    }[];
    const second = await emptyDatabase();
    await here.load(second);
    const [last] = (await (
      await here.open(second)
    ).direct.query(`SELECT min(token) AS token FROM leases`)) as {
      token: string;
    }[];
    expect(BigInt(last!.token)).toBeGreaterThan(BigInt(first!.token));
  });

  it('a restore leaves an unfinished operation to the service, in a new workspace', async () => {
    const user = await here.world.newUser();
    const { hosting, operation } = await here.world.engine.hostings.create(user, {});
    const handover = new AbortController();
    here.world.host.faults.once('made libvirt_cloudinit_disk', (signal) => {
      handover.abort(new Error('this worker is stopping'));
      signal?.throwIfAborted();
    });
    await here.world.runner.perform(hosting.id, handover.signal);
    expect((await here.world.engine.operations.get(user, operation.id)).status).toBe('running');
    await here.backup();
    const config = await here.elsewhere();
    expect((await here.restore(config)).stacks).toMatchObject([
      { id: hosting.id, result: 'unfinished', detail: 'create-hosting continues when the service starts' },
    ]);
    expect(existsSync(path.join(config.workspacesDir, hosting.id, 'cdk.tf.json'))).toBe(true);
    const { parts, bus, runner } = await connectParts(config, log, here.fakes());
    try {
      await runner.perform(hosting.id, new AbortController().signal);
      expect((await operations(parts, bus).get(user, operation.id)).status).toBe('succeeded');
      expect([...here.world.host.domains.keys()]).toEqual([hosting.vmName]);
    } finally {
      await bus.close();
      await parts.database.close();
    }
  });

  it('a restore invalidates access tokens issued after the backup was made', async () => {
    const password = 'a password';
    const { engine } = here.world;
    const account = { email: 'mina@example.org', username: 'mina', password };
    await engine.accounts.register(account);
    const early = await engine.accounts.login(account);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await here.backup();
    await engine.accounts.register({ email: 'late@example.org', username: 'late', password });
    const late = await engine.accounts.login({ email: 'late@example.org', password });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const config = await here.elsewhere();
    await here.restore(config);
    const restored = accounts(await here.open(config.DATABASE_URL ?? ''), config);
    const other = await restored.register({ email: 'other@example.org', username: 'other', password });
    // the number of the one who is forgotten, so that the token would open another's account
    expect(other.id).toBe(late.user.id);
    await expect(restored.authenticate(late.accessToken)).rejects.toMatchObject({ code: 'unauthorized' });
    expect((await restored.authenticate(early.accessToken)).user.username).toBe('mina');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const { accessToken } = await restored.login({ email: 'other@example.org', password });
    expect((await restored.authenticate(accessToken)).user.username).toBe('other');
  });

  it('a restore of an older backup runs the migrations since then', async () => {
    const old = await here.elsewhere();
    await rewrite(old.DATABASE_URL ?? '', async ({ tx }) => {
      await applyMigrations(tx, migrationNames.slice(0, 1));
      await tx.query(
        `INSERT INTO users (email, username, password_hash) VALUES ('old@example.org', 'old-one', 'x')`,
      );
    });
    await here.backup(old);
    const { migrations, tables } = await here.manifest();
    expect(migrations).toEqual([migrationNames[0]]);
    expect(tables.map(({ name }) => name)).not.toContain('restores');
    const config = await here.elsewhere();
    expect(await here.restore(config)).toMatchObject({ stacks: [], planning: null });
    const restored = await here.open(config.DATABASE_URL ?? '');
    expect(await tableNames(restored)).toEqual(await tableNames(here.world.parts.database));
    expect(await restored.direct.query(`SELECT id, username FROM users`)).toEqual([
      { id: 1, username: 'old-one' },
    ]);
    expect(await restored.direct.query(`SELECT count(*)::int AS n FROM restores`)).toEqual([{ n: 1 }]);
    expect(await restored.direct.query(`SELECT name FROM schema_migrations ORDER BY id`)).toEqual(
      migrationNames.map((name) => ({ name })),
    );
  });

  it('a restore into a database that holds anything is refused, unless it may replace it', async () => {
    const { user } = await here.runningHosting();
    await here.backup();
    const config = await here.elsewhere({ DATABASE_URL: await cloneDatabase() });
    const target = await here.open(config.DATABASE_URL ?? '');
    await accounts(target, config).register({
      email: 'b@example.org',
      username: 'somebody',
      password: 'x'.repeat(20),
    });
    const before = await everything(target);
    await expect(here.restore(config)).rejects.toEqual(
      refusal(/^The database is not empty \(.*users 1.*\); --replace/),
    );
    expect(await everything(target)).toEqual(before);
    // a worker is at it
    const stack = '00000000-0000-4000-8000-000000000000';
    await claimLease(target.direct, stack, 'worker-1', 30_000);
    await expect(here.restore(config, { existing: 'replace' })).rejects.toEqual(
      refusal(/holds a lease \(worker-1\)/),
    );
    await expireLeases(target.direct);
    // a service is there, idle
    const bus = await postgresEventBus(config.DATABASE_URL ?? '', log);
    await expect(here.restore(config, { existing: 'replace' })).rejects.toEqual(
      refusal(/The service is running/),
    );
    await bus.close();
    expect(await target.direct.query(`SELECT username FROM users`)).toEqual([{ username: 'somebody' }]);
    expect((await here.restore(config, { existing: 'replace' })).planning).toBeNull();
    expect(await target.direct.query(`SELECT username FROM users`)).toEqual([{ username: user.username }]);
  });

  it('a restore with another STATE_KEY is refused, and with another JWT_SECRET it warns', async () => {
    await here.runningHosting();
    await here.backup();
    const config = await here.elsewhere({ STATE_KEY: 'another'.repeat(8), JWT_SECRET: 'another'.repeat(8) });
    await expect(here.restore(config)).rejects.toEqual(
      refusal(/STATE_KEY is not the one.*secrets\/state_key/s),
    );
    expect(await tableNames(await here.open(config.DATABASE_URL ?? ''))).toEqual([]);
    const report = await here.restore({ ...config, STATE_KEY: here.world.config.STATE_KEY });
    expect(report.warnings).toEqual(['JWT_SECRET has changed: all users have to sign in again']);
    expect(report.stacks).toMatchObject([{ result: 'no changes' }]);
  });

  it('a restore works without the STATE_KEY if it is declared lost, and names the states that stay sealed', async () => {
    await here.runningHosting();
    await here.backup();
    const config = await here.elsewhere({ STATE_KEY: 'another'.repeat(8) });
    const report = await here.restore(config, { stateKey: 'lost' });
    expect(report.warnings).toEqual([expect.stringMatching(/stay sealed/)]);
    expect(report.stacks).toMatchObject([
      { result: 'failed', detail: 'The Terraform state was sealed with another STATE_KEY' },
    ]);
  });

  it('a restore of a backup from a newer version is refused', async () => {
    await here.backup();
    await rewriteBackup((found) => ({
      ...found,
      version: '9.0.0',
      migrations: [...found.migrations, 'Later1999999999999'],
    }));
    const config = await here.elsewhere();
    await expect(here.restore(config)).rejects.toEqual(refusal(/newer version \(9\.0\.0\)/));
    expect(await tableNames(await here.open(config.DATABASE_URL ?? ''))).toEqual([]);
  });

  it('a restore that PostgreSQL refuses changes nothing, and its error shows no row', async () => {
    await here.world.newUser();
    await here.backup();
    await rewriteBackup(
      (found) => found,
      (table, content) =>
        table === 'users'
          ? Buffer.concat([
              content,
              Buffer.from(
                content
                  .toString()
                  .replace(/^\d+/, '77')
                  .replace(/user-\d+-x/, 'user-77-x'),
              ),
            ])
          : content,
    );
    const config = await here.elsewhere({ DATABASE_URL: await cloneDatabase() });
    const target = await here.open(config.DATABASE_URL ?? '');
    await target.direct.query(`INSERT INTO sweeps (ms, findings) VALUES (7, '[]')`);
    const before = await everything(target);
    const thrown: unknown = await here
      .restore(config, { existing: 'replace' })
      .catch((error: unknown) => error);
    expect(thrown).toMatchObject({
      code: 'internal',
      message: 'PostgreSQL refused table users of the backup',
      cause: { message: '23505 users_email_key' },
    });
    expect(JSON.stringify(thrown, Object.getOwnPropertyNames(thrown))).not.toContain('example.org');
    expect(await everything(target)).toEqual(before);
  });

  it('a restore of a damaged file changes nothing', async () => {
    await here.backup();
    const bytes = readFileSync(here.file);
    bytes[700]! ^= 1;
    rmSync(here.file);
    await writeFileSecret(bytes);
    const config = await here.elsewhere();
    await expect(here.restore(config)).rejects.toEqual(refusal(/damaged/));
    expect(await tableNames(await here.open(config.DATABASE_URL ?? ''))).toEqual([]);
  });

  it('a restore ends even if a stack cannot be planned, or if planning is stopped', async () => {
    const { hosting } = await here.runningHosting();
    await here.backup();
    here.world.host.faults.fail('plan', new EngineError('plan_failed', 'libvirt is away'));
    expect((await here.restore(await here.elsewhere())).stacks).toMatchObject([
      { id: hosting.id, result: 'failed', detail: 'libvirt is away' },
    ]);
    const stopping = new AbortController();
    const onEvent = (message: string): void => {
      if (message.startsWith('the database is restored')) stopping.abort(new Error('stopped by SIGINT'));
    };
    const config = await here.elsewhere();
    const report = await here.restore(config, { signal: stopping.signal, onEvent });
    expect(report).toMatchObject({ stacks: [], planning: 'stopped before all stacks were planned' });
    expect(
      await (await here.open(config.DATABASE_URL ?? '')).direct.query(`SELECT id FROM hostings`),
    ).toEqual([{ id: hosting.id }]);
  });

  it('a restore that is stopped while it loads changes nothing', async () => {
    await here.runningHosting();
    await here.backup();
    const config = await here.elsewhere();
    const signal = AbortSignal.abort(new Error('stopped by SIGINT'));
    await expect(here.restore(config, { signal })).rejects.toThrow('stopped by SIGINT');
    expect(await tableNames(await here.open(config.DATABASE_URL ?? ''))).toEqual([]);
  });

  /** The same file with something else in it, and right checksums. */
  async function rewriteBackup(
    change: (found: Manifest) => Manifest,
    rows: (table: string, content: Buffer) => Buffer = (_, content) => content,
  ): Promise<void> {
    const { found, contents } = await withBackup(here.file, async ({ archive, manifest: told }) => ({
      found: told,
      contents: await Promise.all(
        told.parts.map(async ({ name }) => ({ name, bytes: await readText(archive, name) })),
      ),
    }));
    await writeArchive(here.file, { existing: 'replace', mtime: 0 }, async (archive) => {
      const tables = new Map(found.tables.map((table) => [names.table(table.name), table]));
      const parts = [];
      const told: Manifest['tables'] = [];
      for (const { name, bytes } of contents) {
        const table = tables.get(name);
        const content = table ? rows(table.name, gunzipSync(bytes)) : bytes;
        if (table)
          told.push({
            ...table,
            bytes: content.length,
            rows: content.toString('latin1').split('\n').length - 1,
          });
        parts.push(await archive.add(name, [table ? gzipSync(content) : content]));
      }
      await archive.add(names.manifest, [
        Buffer.from(JSON.stringify(change({ ...found, tables: told, parts }))),
      ]);
    });
  }

  async function writeFileSecret(bytes: Buffer): Promise<void> {
    await writeFile(here.file, bytes, { mode: 0o600 });
  }
});
