/** Every list goes on in the same way: `after` and `limit` in, `next` out, each entry once and in order. */
import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { cloneDatabase } from '../support/postgres';
import { type SignedInUser, startService, type TestService } from '../worlds/service';

jest.setTimeout(60_000);

let service: TestService;
let admin: SignedInUser;
let hosting: string;
beforeAll(async () => {
  service = await startService(await cloneDatabase());
  admin = await service.newUser('admin');
  const { direct } = service.database;
  const { engine } = service;
  const created = await engine.hostings.create(admin.user, {});
  await engine.operations.wait(created.operation.id, { timeoutMs: 30_000 });
  hosting = created.hosting.id;
  for (let index = 0; index < 7; index++) {
    const user = await service.newUser();
    const made = await engine.hostings.create(user.user, {});
    await engine.operations.wait(made.operation.id, { timeoutMs: 30_000 });
    await request(service.app)
      .put(`/api/v1/admin/users/${user.user.username}/labels`)
      .set('Authorization', `Bearer ${admin.token}`)
      .send({ labels: { course: 'cs101' } })
      .expect(200);
    // some of one moment
    await direct.query(
      `INSERT INTO runs (id, stack_id, operation_id, kind, host, started_at, finished_at, exit_code)
       VALUES ($1, $2, $3, 'plan', 'here', $4, now(), 0)`,
      [randomUUID(), hosting, created.operation.id, new Date(1_700_000_000_000 + (index >> 1) * 1_000)],
    );
  }
});
afterAll(() => service.close());

type Page = Readonly<Record<string, unknown>> & { readonly next: string | null };

async function read(path: string, query: Record<string, string>): Promise<Page> {
  const { body } = await request(service.app)
    .get(`/api/v1${path}`)
    .query(query)
    .set('Authorization', `Bearer ${admin.token}`)
    .expect(200);
  return body.data as Page;
}

const lists = [
  ['/admin/hostings', 'hostings', 'id'],
  ['/admin/operations', 'operations', 'id'],
  ['/admin/audit', 'entries', 'id'],
  ['/admin/drift', 'hostings', 'hosting_id'],
  ['/host/my/runs', 'runs', 'id'],
] as const;

it.each(lists)('%s', async (path, name, id) => {
  const idsOf = (page: Page): string[] => (page[name] as Record<string, string>[]).map((each) => each[id]!);
  const whole = await read(path, { limit: '200' });
  expect(whole.next).toBeNull();
  expect(idsOf(whole).length).toBeGreaterThan(6);
  const found: string[] = [];
  for (let after: string | null = ''; after !== null;) {
    const page: Page = await read(path, { limit: '2', ...(after === '' ? {} : { after }) });
    found.push(...idsOf(page));
    after = page.next;
    expect(found.length).toBeLessThan(100);
  }
  expect(found).toEqual(idsOf(whole));
});

it('the list of hostings can be filtered by status', async () => {
  expect(((await read('/admin/hostings', { status: 'running' }))['hostings'] as unknown[]).length).toBe(8);
  expect((await read('/admin/hostings', { status: 'sleeping' }))['hostings']).toEqual([]);
});

it('an administrator sees a hosting’s address as its owner does', async () => {
  const { hostings } = (await read('/admin/hostings', {})) as unknown as {
    hostings: { id: string; username: string }[];
  };
  const other = hostings.find(({ id }) => id !== hosting)!;
  const shown = await read(`/hostings/${other.id}`, {});
  expect(shown['subdomain_url']).toContain(`://${other.username}.`);
});
