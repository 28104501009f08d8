/** Who gets a username, on a real database: names that rest, that are released, and that are the service's own. */
import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { accounts } from '../../engine/accounts';
import { deleteUser } from '../../engine/store/users';
import { cloneDatabase } from '../support/postgres';
import { startService, type TestService } from '../worlds/service';
import { until } from '../support/until';
import { renameUser, retiredAgo } from '../support/rows';

jest.setTimeout(60_000);

let service: TestService;
beforeAll(async () => {
  service = await startService(await cloneDatabase());
});
afterAll(() => service.close());

const http = () => request(service.app);
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const sql = <T>(text: string, values: unknown[] = []): Promise<T[]> =>
  service.database.direct.query(text, values);

describe('a username', () => {
  const register = (username: string) => {
    const email = `${randomUUID()}@example.org`;
    return http().post('/api/v1/auth/register').send({ email, username, password: 'a long passphrase' });
  };

  it('the username of a deleted account is reserved for 30 days, and the refusal says so', async () => {
    const user = await service.newUser();
    const { username } = user.user;
    await http()
      .delete('/api/v1/auth/me')
      .set(bearer(user.token))
      .send({ password: user.password })
      .expect(204);
    const refused = await register(username).expect(409);
    expect(refused.body.error.code).toBe('username_retired');
    expect(refused.body.message).toMatch(
      /another account until recently.*after \d{4}-\d\d-\d\d.*administrator/,
    );
    const days = (Date.parse(refused.body.error.details.free_at) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThan(30.1);
    // nothing of the refused account stays
    expect(await sql('SELECT 1 FROM users WHERE username = $1', [username])).toEqual([]);
    await retiredAgo(service.database.direct, username, '30 days');
    await register(username).expect(201);
  });

  it('an administrator releases a reserved username', async () => {
    const [user, admin] = [await service.newUser(), await service.newUser('admin')];
    const { username } = user.user;
    const release = (token: string) =>
      http().delete(`/api/v1/admin/retired-usernames/${username}`).set(bearer(token));
    await release(admin.token).expect(404);
    await renameUser(service.database.direct, user.user.id, `renamed-${user.user.id}`);
    // whoever renames an account in the database has its old name rest as well
    expect((await register(username)).body.error.code).toBe('username_retired');
    await release(user.token).expect(403);
    await release(admin.token).expect(204);
    await register(username).expect(201);
  });

  it('a former username is free at once if the setting says so', async () => {
    const hasty = accounts(service.database, { ...service.config, USERNAME_REST_DAYS: 0 });
    await sql(`INSERT INTO retired_usernames (username) VALUES ('hasty-one')`);
    const input = { username: 'hasty-one', email: 'hasty@example.org', password: 'a long passphrase' };
    await expect(hasty.register(input)).resolves.toMatchObject({ username: 'hasty-one' });
  });

  it('a username cannot be taken while its account is being deleted, however closely a request follows', async () => {
    const user = await service.newUser();
    const { username } = user.user;
    let commit = (): void => undefined;
    const held = new Promise<void>((resolve) => (commit = resolve));
    let begun = (): void => undefined;
    const deleting = new Promise<void>((resolve) => (begun = resolve));
    const removal = service.database.transaction(async (tx) => {
      await deleteUser(tx, user.user.id);
      begun();
      await held;
    });
    await deleting;
    const follower = register(username).then(({ body }) => body.error?.code as string);
    await until(10_000, 'the follower waits for the deletion', async () => {
      const waiting = await sql(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return waiting.length > 0;
    });
    commit();
    await removal;
    expect(await follower).toBe('username_retired');
  });

  it.each([
    [{ PUBLIC_HOST: 'Panel.example.org.' }, 'panel'],
    [{ PUBLIC_HOST: 'a.b.deep.example.org' }, 'deep'],
    [{ CORS_ORIGINS: ['https://console-x.example.org:8443'] }, 'console-x'],
  ])('a username cannot be that of a host of the service: %j', async (settings, username) => {
    const here = accounts(service.database, { ...service.config, BASE_DOMAIN: 'example.org', ...settings });
    const input = { username, email: `${username}@example.org`, password: 'a long passphrase' };
    await expect(here.register(input)).rejects.toMatchObject({ code: 'validation_failed' });
    await expect(here.register({ ...input, username: `${username}-2` })).resolves.toBeDefined();
  });
});
