/** What becomes of accounts that are older than the one form of e-mail addresses, on a database as it was then. */
import { applyMigrations, type Database, migrationNames, openDatabase } from '../../engine/store/database';
import { rewrite } from '../../engine/store/bulk';
import { EmailKeys1763800000030 } from '../../engine/store/migrations/0030-email-keys';
import { findCredentials, insertUser } from '../../engine/store/users';
import { emptyDatabase } from '../support/postgres';

jest.setTimeout(60_000);

const older = [
  // as every version has taken them
  ['plain', 'Mina@example.com'],
  // as none should have, and somebody may have written by hand
  ['first', 'juno@ex\u00e4mple.com'],
  ['second', 'juno@xn--exmple-cua.com'],
  ['third', 'juno@example.net.'],
  ['fourth', 'Juno@EXAMPLE.net'],
  ['turkish', 'bİrk@example.com'],
] as const;

let database: Database;
let idOf: Map<string, number>;
beforeAll(async () => {
  const url = await emptyDatabase();
  const before = migrationNames.slice(0, migrationNames.indexOf('EmailKeys1763800000030'));
  await rewrite(url, async ({ tx }) => {
    await applyMigrations(tx, before);
    for (const [username, email] of older)
      await tx.query(`INSERT INTO users (email, username, password_hash) VALUES ($1, $2, 'x')`, [
        email,
        username,
      ]);
    await tx.query(
      `INSERT INTO users (email, username, password_hash, deleted_at) VALUES ('deleted.7', 'deleted.7', '', now())`,
    );
  });
  database = await openDatabase(url);
  await database.migrate();
  const rows: { id: number; username: string }[] = await database.direct.query(
    `SELECT id, username FROM users`,
  );
  idOf = new Map(rows.map(({ id, username }) => [username, id]));
});
afterAll(() => database.close());

async function foundBy(typed: string): Promise<string | null> {
  return (await findCredentials(database.direct, typed))?.user.username ?? null;
}

it('each older account is found by the address that it was registered with', async () => {
  for (const [username, email] of older) expect([email, await foundBy(email)]).toEqual([email, username]);
});

it('older accounts are found however their address is typed; of two that collide, the one in normal form or the older one', async () => {
  expect(await foundBy('MINA@Example.com.')).toBe('plain');
  expect(await foundBy('JUNO@ex\u00e4mple.com')).toBe('second');
  expect(await foundBy('juno@example.net')).toBe('third');
  expect(await foundBy('juno@Example.net')).toBe('third');
  expect(await foundBy('mina@example.com')).toBe('plain');
  expect(await foundBy('bİrk@EXAMPLE.com')).toBeNull();
  expect(await foundBy('birk@example.com')).toBeNull();
  expect(await foundBy('deleted.7')).toBeNull();
  expect(idOf.size).toBe(older.length + 1);
});

it.each(['juno@example.NET', 'juno@ex\u00e4mple.com', 'mina@example.com.'])(
  'no second account can be registered as %s beside an older one',
  async (email) => {
    const username = `again-${email.length}`;
    await expect(insertUser(database.direct, { email, username, passwordHash: 'x' })).rejects.toMatchObject({
      code: 'email_taken',
    });
  },
);

it('e-mail addresses are what they were when the migration is reverted', async () => {
  await database
    .transaction(async (tx) => {
      await new EmailKeys1763800000030().down(tx.queryRunner!);
      const rows: { email: string }[] = await tx.query(
        `SELECT email FROM users WHERE deleted_at IS NULL ORDER BY id`,
      );
      expect(rows.map(({ email }) => email)).toEqual(older.map(([, email]) => email));
      await new EmailKeys1763800000030().up(tx.queryRunner!);
      throw new Error('enough was seen');
    })
    .catch((thrown: unknown) => expect((thrown as Error).message).toBe('enough was seen'));
});
