/** Backups of a real database: what is in them, and of which moment. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { makeBackup } from '../../engine/backup';
import { type Database, migrationNames } from '../../engine/store/database';
import { type BackupWorld, everything, openBackupWorld, refusal, tableNames } from '../worlds/backup-world';
import { type Manifest, names, readText, withBackup } from '../support/archives';
import { emptyDatabase } from '../support/postgres';

jest.setTimeout(60_000);

let here: BackupWorld;
beforeEach(async () => {
  here = await openBackupWorld();
});
afterEach(() => here.close());

/** Rows that try the format: what COPY must escape, what PostgreSQL prints in its own way. */
async function oddRows(database: Database): Promise<void> {
  const text = `tab\t newline\n return\r backslash\\ \\N quote' "double" nul-like \\x00 ö 한국어 😀`;
  await database.direct.query(
    `INSERT INTO users (email, email_key, username, password_hash, created_at) VALUES ($1, $1, 'odd-one', $1, '1066-10-14 09:00:00.123456+00 BC')`,
    [text],
  );
  await database.direct.query(
    `INSERT INTO stacks (id, kind, spec, state_serial, state_sealed, state_saved_at)
     VALUES (gen_random_uuid(), 'hosting', $1, 9223372036854775807, $2, 'infinity'), (gen_random_uuid(), 'node', NULL, NULL, '', NULL)`,
    [JSON.stringify({ text, nested: [1.5, null, true] }), Buffer.from([...Array(256).keys()])],
  );
  await database.direct.query(`INSERT INTO sweeps (ms, findings) VALUES (1, '[]')`);
  await database.direct.query(`INSERT INTO restores (backup_made_at) VALUES ('-infinity')`);
  await database.direct.query(`UPDATE hostings SET ssh_host_keys = ARRAY['a,b', '{"c"}', '', 'NULL']`);
  // a number that was taken and not used is not given out again
  await database.direct.query(`SELECT nextval('users_id_seq'), nextval('users_id_seq')`);
}

describe('a backup', () => {
  it('a backup restores every row of every table as it was, and every sequence', async () => {
    const { user } = await here.runningHosting();
    await here.world.engine.hostings.delete(user);
    await here.runningHosting();
    await oddRows(here.world.parts.database);
    await here.backup();
    const before = await everything(here.world.parts.database);
    expect(Object.values(before).filter((rows) => rows.length > 0).length).toBeGreaterThan(15);
    const url = await emptyDatabase();
    expect(await here.load(url)).toEqual([]);
    const restored = await here.open(url);
    const after = await everything(restored);
    // these two tell of the restore itself
    const { leases: leasesBefore, restores: restoresBefore, ...untouched } = before;
    const { leases, restores, ...same } = after;
    expect(same).toEqual(untouched);
    expect(restores).toHaveLength((restoresBefore as unknown[]).length + 1);
    expect((leases as unknown[]).length).toBeGreaterThanOrEqual((leasesBefore as unknown[]).length);
    // and the rows lie there in the same order
    const first = await here.manifest();
    await here.backup({ ...here.world.config, DATABASE_URL: url }, 'replace');
    const parts = (of: Manifest) =>
      of.parts
        .filter(({ name }) => !/leases|restores|nginx/.test(name))
        .map(({ name, sha256 }) => ({ name, sha256 }));
    expect(parts(await here.manifest())).toEqual(parts(first));
  });

  it('a backup holds every table of the schema, even one that was just added', async () => {
    const { direct } = here.world.parts.database;
    await direct.query(
      `CREATE TABLE added (a integer, b text DEFAULT 'x', c integer GENERATED ALWAYS AS (a * 2) STORED)`,
    );
    await direct.query(`INSERT INTO added (a) VALUES (1), (2)`);
    await here.backup();
    const { tables, sequences, migrations } = await here.manifest();
    expect(tables.map(({ name }) => name).sort()).toEqual(await tableNames(here.world.parts.database));
    expect(tables.find(({ name }) => name === 'added')).toMatchObject({ columns: ['a', 'b'], rows: 2 });
    const there: { name: string }[] = await direct.query(
      `SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1`,
    );
    expect(sequences.map(({ name }) => name)).toEqual(there.map(({ name }) => name));
    expect(sequences.map(({ name }) => name)).toContain('users_id_seq');
    expect(migrations).toEqual(migrationNames);
    // no migration of ours makes it
    expect((await here.restore(await here.elsewhere())).warnings).toEqual([
      'Table added of the backup does not belong to this service and was left out',
    ]);
  });

  it('a backup holds no key, and no state in plain text', async () => {
    const { hosting } = await here.runningHosting();
    await here.backup();
    const parts = await withBackup(here.file, async ({ archive }) => {
      const contents: string[] = [];
      for (const { name } of archive.entries) {
        const bytes = await readText(archive, name);
        contents.push((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1'));
      }
      return contents.join('\n');
    });
    expect(parts).not.toContain(here.world.config.STATE_KEY);
    expect(parts).not.toContain(here.world.config.JWT_SECRET);
    const state = readFileSync(
      path.join(here.world.config.workspacesDir, hosting.id, 'terraform.tfstate'),
      'utf8',
    );
    expect(parts).not.toContain(state.slice(0, 40));
    expect(parts).toContain(hosting.vmName);
  });

  it('a backup holds the routes that Nginx serves', async () => {
    const { user, hosting } = await here.runningHosting();
    await here.backup();
    const routes = await withBackup(here.file, ({ archive }) => readText(archive, names.routes));
    expect(JSON.parse(routes.toString())).toEqual([
      { userId: user.id, username: user.username, ip: hosting.ip, sshPort: hosting.sshPort },
    ]);
  });

  it('a backup is a snapshot of one moment, however much is written meanwhile', async () => {
    const { direct } = here.world.parts.database;
    // something between the two tables that takes a while
    await direct.query(
      `INSERT INTO stacks (id, kind, state_sealed) SELECT gen_random_uuid(), 'node',
         decode(string_agg(md5(random()::text), ''), 'hex') FROM generate_series(1, 400) n, generate_series(1, 2000) m GROUP BY n`,
    );
    let writing = true;
    let written = 0;
    const writer = (async () => {
      for (; writing; written++)
        await here.world.parts.database.transaction(async (tx) => {
          await tx.query(`UPDATE nodes SET prepared = (SELECT count(*) + 1 FROM sweeps)::text`);
          await tx.query(`INSERT INTO sweeps (ms, findings) VALUES (0, '[]')`);
        });
    })();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = written;
    await here.backup();
    const during = written - before;
    writing = false;
    await writer;
    expect(during).toBeGreaterThan(5);
    const url = await emptyDatabase();
    await here.load(url);
    const [counts] = (await (
      await here.open(url)
    ).direct.query(
      `SELECT (SELECT prepared::int FROM nodes) AS told, (SELECT count(*)::int FROM sweeps) AS found`,
    )) as { told: number; found: number }[];
    expect(counts?.told).toBe(counts?.found);
    expect(counts?.found).toBeLessThan(written);
  });

  it('a backup leaves no file when the database goes away halfway, and succeeds afterwards', async () => {
    await here.runningHosting();
    const { direct } = here.world.parts.database;
    await direct.query(
      `INSERT INTO stacks (id, kind, state_sealed) SELECT gen_random_uuid(), 'node',
         decode(string_agg(md5(random()::text), ''), 'hex') FROM generate_series(1, 400) n, generate_series(1, 4000) m GROUP BY n`,
    );
    const failing = here.backup();
    const killed = (async () => {
      for (let ended = 0; ended === 0;) {
        const rows: unknown[] = await direct.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY "stacks"%'`,
        );
        ended = rows.length;
      }
    })();
    await expect(failing).rejects.toMatchObject({ code: 'database_unavailable' });
    await killed;
    expect(readdirSync(path.dirname(here.file))).toEqual([]);
    const stopping = new AbortController();
    const stopped = makeBackup(here.world.config, here.file, { existing: 'refuse', signal: stopping.signal });
    setTimeout(() => stopping.abort(new Error('stopped by SIGINT')), 100);
    await expect(stopped).rejects.toThrow('stopped by SIGINT');
    expect(readdirSync(path.dirname(here.file))).toEqual([]);
    await here.backup();
    expect(readdirSync(path.dirname(here.file))).toEqual(['backup']);
  });

  it('a backup of an empty database is refused', async () => {
    await expect(here.backup(await here.elsewhere())).rejects.toEqual(refusal(/nothing to back up/));
    expect(existsSync(here.file)).toBe(false);
  });
});
