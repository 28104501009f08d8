/** A new STATE_KEY: everything sealed moves over, however often it is interrupted, and then opens without the old one. */
import { randomUUID } from 'node:crypto';
import { machineOperator, type Rotation } from '../../engine/operator';
import { secretBox } from '../../engine/base/secret-box';
import { sealedPlaces } from '../../engine/store/seals';
import { openState, sealState } from '../../engine/stack';
import { accountContext, keyContext } from '../../engine/certificates';
import { strongSecrets as secrets } from '../worlds/fake-parts';
import { openWorld, type World } from '../worlds/world';
import { numberState, replaceState } from '../support/rows';

jest.setTimeout(60_000);

const [oldKey, newKey] = [secrets.STATE_KEY, 'n'.repeat(32)];
const [old, both, fresh] = [secretBox(oldKey), secretBox(newKey, [oldKey]), secretBox(newKey)];
const stacks = 120;
const forever = new AbortController().signal;

let world: World;
beforeEach(async () => {
  world = await openWorld();
  for (let index = 0; index < stacks; index++) {
    const id = randomUUID();
    const sealed = sealState({ secretBox: old }, id, Buffer.from(`state of ${id}`));
    await sql(
      `INSERT INTO stacks (id, kind, spec, state_serial, state_sealed) VALUES ($1, 'hosting', '{}', 1, $2)`,
      [id, sealed],
    );
  }
  // one that runs, one that was ejected, and one that was never applied
  const { hosting } = await world.engine.hostings.create(await world.newUser(), {});
  await world.work(hosting.id);
  const ejected = await world.engine.hostings.create(await world.newUser(), {});
  await world.work(ejected.hosting.id);
  await sql(
    `INSERT INTO ejections (hosting_id, spec, state_serial, state_sealed)
             SELECT id, spec, state_serial, state_sealed FROM stacks WHERE id = $1`,
    [ejected.hosting.id],
  );
});
afterEach(() => world.close());

const sql = <T>(text: string, values: unknown[] = []): Promise<T[]> =>
  world.parts.database.direct.query(text, values);
const quiet = { onBatch: () => undefined, signal: forever };

/** As `webhoster keys rotate`, with the new key and the old one configured. */
function rotateKeys(options: { onBatch: () => void; signal: AbortSignal } = quiet): Promise<Rotation> {
  const engine = { ...world, parts: { ...world.parts, secretBox: both } };
  return machineOperator(engine, { who: 'operator tests', handover: forever }).accounts.rotateKeys(options);
}

interface Row {
  readonly id: string;
  readonly sealed: Buffer;
}
const everything = (): Promise<Row[]> =>
  sql(
    sealedPlaces
      .map(
        ({ table, key, column }) =>
          `SELECT ${key}::text AS id, ${column} AS sealed FROM ${table} WHERE ${column} IS NOT NULL`,
      )
      .join(' UNION ALL '),
  );

it('the rotation of keys knows every column that holds something sealed', async () => {
  const columns = await sql(`SELECT table_name AS table FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name ~ 'sealed' ORDER BY 1`);
  expect(columns).toEqual(
    [...sealedPlaces].map(({ table }) => ({ table })).sort((a, b) => (a.table < b.table ? -1 : 1)),
  );
});

it('the rotation of keys seals everything again, which then opens with the new key alone; a second one has nothing to do', async () => {
  const before = new Map(
    (await everything()).map(({ id, sealed }) => [id, openState({ secretBox: old }, id, sealed)]),
  );
  expect(before.size).toBe(stacks + 2);
  expect(await rotateKeys()).toEqual({ sealed: stacks + 3, closed: [] });
  for (const { id, sealed } of await everything()) {
    expect(openState({ secretBox: fresh }, id, sealed)).toEqual(before.get(id));
    expect(() => openState({ secretBox: old }, id, sealed)).toThrow('another STATE_KEY');
  }
  expect(await rotateKeys()).toEqual({ sealed: 0, closed: [] });
});

it('the rotation of keys also seals the keys of certificates and ACME accounts again', async () => {
  const sealed = (context: string): Buffer => old.seal(Buffer.from(`key of ${context}`), context);
  const [certificate, account] = [keyContext('a.org'), accountContext('https://ca.example/directory')];
  await sql(
    `INSERT INTO certificates (name, source, names, chain, key_sealed, not_after)
     VALUES ('a.org', 'acme', '{a.org}', 'chain', $1, now())`,
    [sealed(certificate)],
  );
  await sql(
    `INSERT INTO acme_accounts (directory_url, key_sealed, thumbprint) VALUES ('https://ca.example/directory', $1, 't')`,
    [sealed(account)],
  );
  await rotateKeys();
  const keys = await sql<{ key: Buffer }>(
    'SELECT key_sealed AS key FROM certificates UNION ALL SELECT key_sealed FROM acme_accounts',
  );
  const opened = [certificate, account].map((context, at) => fresh.open(keys[at]!.key, context).toString());
  expect(opened).toEqual([`key of ${certificate}`, `key of ${account}`]);
});

it('an interrupted rotation of keys continues where it was, and everything opens in between', async () => {
  const stop = new AbortController();
  const rotation = rotateKeys({ onBatch: () => stop.abort(), signal: stop.signal });
  await expect(rotation).rejects.toThrow();
  const half = await everything();
  const done = half.filter(({ sealed }) => both.isCurrent(sealed)).length;
  expect(done).toBe(50);
  for (const { id, sealed } of half) expect(() => openState({ secretBox: both }, id, sealed)).not.toThrow();
  expect((await rotateKeys()).sealed).toBe(stacks + 3 - done);
});

it('the rotation of keys leaves what no key opens, and names it', async () => {
  const [{ id }] = (await sql<Row>(
    'SELECT id FROM stacks WHERE state_sealed IS NOT NULL ORDER BY id LIMIT 1',
  )) as [Row];
  const sealed = sealState({ secretBox: secretBox('l'.repeat(32)) }, id, Buffer.from('x'));
  await replaceState(world.parts.database.direct, id, sealed);
  const rotation = await rotateKeys();
  expect(rotation.closed).toEqual([id]);
  expect(
    (await sql<Row>('SELECT state_sealed AS sealed FROM stacks WHERE id = $1', [id]))[0]?.sealed,
  ).toEqual(sealed);
});

it('the rotation of keys never overwrites a newer state that a worker saves meanwhile', async () => {
  const [{ id }] = (await sql<Row>(
    'SELECT id FROM stacks WHERE state_sealed IS NOT NULL ORDER BY id LIMIT 1',
  )) as [Row];
  const newer = sealState({ secretBox: both }, id, Buffer.from('newer'));
  const saved = world.parts.database.transaction(async (tx) => {
    await replaceState(tx, id, newer);
    await numberState(tx, 2, { id });
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await rotateKeys();
  await saved;
  const [row] = await sql<Row>('SELECT id, state_sealed AS sealed FROM stacks WHERE id = $1', [id]);
  expect(openState({ secretBox: both }, id, row!.sealed).toString()).toBe('newer');
});
