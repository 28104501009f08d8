/**
 * Who gets what at every route of the OpenAPI document: a stranger, another user, the user whose things they are, and an
 * administrator. A route that is added without an expectation here fails.
 */
import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { describeApi } from '../../api/openapi';
import { routes } from '../../api/routes';
import { tokenScopes } from '../../engine';
import { setRole } from '../../engine/store/users';
import { cloneDatabase } from '../support/postgres';
import { type SignedInUser, startService, type TestService } from '../worlds/service';

jest.setTimeout(120_000);

const callers = ['stranger', 'other', 'admin', 'owner'] as const;
type CallerName = (typeof callers)[number];

/** What the owner has. */
interface Scene {
  readonly people: Record<Exclude<CallerName, 'stranger'>, SignedInUser>;
  readonly hosting: string;
  readonly operation: string;
  readonly run: string;
  readonly token: string;
}

interface Expectation {
  /** In the order of `callers`; a status, with the error's code where there is one. */
  readonly answers: readonly [string, string, string, string];
  /** What `{id}` is. */
  readonly id?: (scene: Scene) => string;
  readonly body?: (scene: Scene, caller: CallerName) => object;
  readonly form?: true;
  /** Changes what other rows look at. */
  readonly alone?: true;
}

/** Of the owner. */
const broughtDomain = 'owner.example.org';
const nobody = '401 unauthorized';
const open: Expectation = { answers: ['200', '200', '200', '200'] };
/** Of the caller's own hosting: the administrator has none. */
const mine: Expectation['answers'] = [nobody, '404 hosting_not_found', '404 hosting_not_found', '200'];
const ofHosting = {
  answers: [nobody, '404 hosting_not_found', '200', '200'],
  id: ({ hosting }: Scene) => hosting,
} as const;
const ofOperation = {
  answers: [nobody, '404 operation_not_found', '200', '200'],
  id: ({ operation }: Scene) => operation,
} as const;
const ofRun = { answers: [nobody, '404 run_not_found', '200', '200'], id: ({ run }: Scene) => run } as const;
const forAdmins: Expectation = { answers: [nobody, '403 forbidden', '200', '403 forbidden'] };
const passwordOf = ({ people }: Scene, caller: CallerName): string =>
  caller === 'stranger' ? 'nobody has one' : people[caller].password;

const expected: Record<string, Expectation> = {
  'post /api/v1/auth/register': {
    answers: ['201', '201', '201', '201'],
    body: () => {
      const username = `m-${randomUUID().slice(0, 8)}`;
      return { username, email: `${username}@example.org`, password: 'a fine passphrase' };
    },
  },
  'post /api/v1/auth/login': {
    answers: ['200', '200', '200', '200'],
    form: true,
    body: ({ people: { owner } }) => ({ username: owner.email, password: owner.password }),
  },
  'get /api/v1/auth/me': { answers: [nobody, '200', '200', '200'] },
  'delete /api/v1/auth/me': {
    answers: [nobody, '204', '204', '409 hosting_exists'],
    body: (scene, caller) => ({ password: passwordOf(scene, caller) }),
    alone: true,
  },
  'post /api/v1/auth/logout': { answers: [nobody, '204', '204', '204'], alone: true },
  'post /api/v1/auth/password': {
    answers: [nobody, '200', '200', '200'],
    body: (scene, caller) => ({
      current_password: passwordOf(scene, caller),
      new_password: 'a newer passphrase',
    }),
    alone: true,
  },
  'post /api/v1/auth/tokens': {
    answers: [nobody, '403 forbidden', '201', '403 forbidden'],
    body: () => ({ name: 'for the matrix', scopes: ['hosting:read', 'admin'] }),
  },
  'get /api/v1/auth/tokens': { answers: [nobody, '200', '200', '200'] },
  'delete /api/v1/auth/tokens/{id}': {
    // an administrator has no business with somebody's tokens
    answers: [nobody, '404 token_not_found', '404 token_not_found', '204'],
    id: ({ token }) => token,
    alone: true,
  },
  'post /api/v1/host': {
    answers: [nobody, '201', '201', '409 quota_exceeded'],
    body: () => ({}),
    alone: true,
  },
  'get /api/v1/host/my': { answers: mine },
  'post /api/v1/host/my/wake': { answers: mine },
  'delete /api/v1/host/my': { answers: mine, alone: true },
  'get /api/v1/host/my/plan': { answers: mine },
  'post /api/v1/host/my/apply': { answers: mine, body: () => ({}), alone: true },
  'get /api/v1/host/my/runs': { answers: mine },
  'get /api/v1/host/my/domains': { answers: mine },
  'post /api/v1/host/my/domains': {
    answers: [nobody, '404 hosting_not_found', '404 hosting_not_found', '201'],
    body: () => ({ domain: 'matrix.example.org' }),
    alone: true,
  },
  'post /api/v1/host/my/domains/{domain}/verify': {
    answers: [nobody, '404 hosting_not_found', '404 hosting_not_found', '409 domain_not_proved'],
    alone: true,
  },
  'delete /api/v1/host/my/domains/{domain}': {
    answers: [nobody, '404 hosting_not_found', '404 hosting_not_found', '204'],
    alone: true,
  },
  'get /api/v1/hostings/{id}': ofHosting,
  'get /api/v1/hostings/{id}/plan': ofHosting,
  'post /api/v1/hostings/{id}/apply': { ...ofHosting, body: () => ({}), alone: true },
  'get /api/v1/hostings/{id}/runs': ofHosting,
  'delete /api/v1/hostings/{id}': {
    ...ofHosting,
    // the administrator came first
    answers: [nobody, '404 hosting_not_found', '200', '404 hosting_not_found'],
    alone: true,
  },
  'get /api/v1/runs/{id}': ofRun,
  'get /api/v1/runs/{id}/log': ofRun,
  'get /api/v1/operations/{id}': ofOperation,
  'get /api/v1/operations/{id}/events': ofOperation,
  'post /api/v1/operations/{id}/cancel': {
    ...ofOperation,
    answers: [nobody, '404 operation_not_found', '202', '202'],
  },
  'get /api/v1/operations/{id}/plan': ofOperation,
  'get /api/v1/admin/operations': forAdmins,
  'get /api/v1/admin/hostings': forAdmins,
  'post /api/v1/admin/plans': {
    ...forAdmins,
    body: ({ people: { other } }) => ({ username: other.user.username }),
  },
  'get /api/v1/admin/users/{username}/labels': forAdmins,
  'put /api/v1/admin/users/{username}/labels': { ...forAdmins, body: () => ({ labels: { course: 'x' } }) },
  'delete /api/v1/admin/retired-usernames/{username}': {
    ...forAdmins,
    answers: [nobody, '403 forbidden', '404 not_found', '403 forbidden'],
  },
  'get /api/v1/admin/audit': forAdmins,
  'get /api/v1/admin/drift': forAdmins,
  'get /api/v1/health': open,
  'get /health': open,
  'get /api/v1/health/detailed': open,
  'get /health/detailed': open,
  'get /api/v1/version': open,
  'get /version': open,
};

interface Documented {
  readonly security: readonly object[];
  readonly 'x-token-scope'?: string;
  readonly responses: Record<string, { description: string }>;
}
const document = describeApi(routes) as { paths: Record<string, Record<string, Documented>> };
const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    method,
    path,
    operation,
    name: `${method} ${path}`,
  })),
);

/** Nobody gets anything without signing in: an empty requirement would be one way to be let in. */
const asksWho = ({ security }: Documented): boolean =>
  security.length > 0 && security.every((way) => Object.keys(way).length > 0);

const looksOnly = new Set(
  routes.filter(({ changes }) => changes === 'nothing').map(({ method, path }) => `${method} ${path}`),
);

let service: TestService;
let shared: Scene;
beforeAll(async () => {
  service = await startService(await cloneDatabase());
  shared = await newScene();
});
afterAll(() => service.close());

async function newScene(): Promise<Scene> {
  const { engine } = service;
  const [other, admin, owner] = [
    await service.newUser(),
    await service.newUser('admin'),
    await service.newUser(),
  ];
  const { operation, hosting } = await engine.hostings.create(owner.user, {});
  expect((await engine.operations.wait(operation.id, { timeoutMs: 60_000 })).status).toBe('succeeded');
  await engine.domains.add(owner.user, broughtDomain);
  const [run] = await engine.runs.list(owner.user, hosting.id, { limit: 1 });
  const { made } = await engine.tokens.create(owner.user, { name: 'x', scopes: ['hosting:read'], days: 1 });
  const ids = { hosting: hosting.id, operation: operation.id, run: run!.id, token: made.id };
  return { people: { other, admin, owner }, ...ids };
}

async function ask(name: string, scene: Scene, caller: CallerName, token?: string): Promise<string> {
  const [method = '', path = ''] = name.split(' ');
  const { id, body, form } = expected[name]!;
  const verb = method as 'get' | 'post' | 'put' | 'delete';
  const sent = request(service.app)[verb](
    path
      .replace('{id}', id?.(scene) ?? '')
      .replace('{domain}', broughtDomain)
      .replace('{username}', scene.people.other.user.username),
  );
  void sent.set('Prefer', 'wait=60');
  if (caller !== 'stranger') void sent.set('Authorization', `Bearer ${token ?? scene.people[caller].token}`);
  if (body !== undefined) void sent.type(form ? 'form' : 'json').send(body(scene, caller));
  const { status, body: answer } = await sent;
  const code = answer?.error?.code as string | undefined;
  return code === undefined ? String(status) : `${status} ${code}`;
}

async function recordsOfRequests(): Promise<number> {
  const [row]: { n: number }[] = await service.database.direct.query(
    `SELECT count(*)::int AS n FROM audit_log WHERE request_id IS NOT NULL`,
  );
  return row!.n;
}

it('the matrix has an expectation for every documented route, and for no other', () => {
  expect(documented.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
});

it.each(documented)(
  '$name answers each caller as expected, as documented, and leaves one record of a change',
  async ({ name, operation }) => {
    const scene = expected[name]?.alone ? await newScene() : shared;
    const found: string[] = [];
    // the owner last: what is the owner's is still there for the others
    for (const caller of callers) {
      const before = await recordsOfRequests();
      found.push(await ask(name, scene, caller));
      const reads = name.startsWith('get ') || looksOnly.has(name);
      const turnedAway = caller === 'stranger' && asksWho(operation);
      expect([caller, (await recordsOfRequests()) - before]).toEqual([caller, reads || turnedAway ? 0 : 1]);
    }
    expect(found).toEqual(expected[name]?.answers);
    for (const answer of found) {
      const [status = '', code] = answer.split(' ');
      expect(Object.keys(operation.responses)).toContain(status);
      if (code !== undefined) expect(operation.responses[status]?.description.split(', ')).toContain(code);
    }
    // what the document says of signing in is what strangers meet
    expect([name, found[0] === nobody]).toEqual([name, asksWho(operation)]);
  },
);

it.each(documented.filter(({ operation }) => asksWho(operation)))(
  '$name is closed to an API token without its scope',
  async ({ name, operation }) => {
    const scope = operation['x-token-scope'];
    expect([...tokenScopes, 'any', 'session']).toContain(scope);
    const scopes = tokenScopes.filter((each) => each !== scope);
    const { admin } = shared.people;
    const { token, made } = await service.engine.tokens.create(admin.user, { name: 'x', scopes, days: 1 });
    const found = await ask(name, shared, 'admin', token);
    if (scope === 'any') expect(found).toBe('200');
    else expect(found).toBe(scope === 'session' ? '403 session_required' : '403 insufficient_scope');
    await service.engine.tokens.revoke(admin.user, made.id);
  },
);

it('a former administrator can no longer see a plan that they made of another user’s hosting', async () => {
  const { people, hosting } = await newScene();
  const { admin } = people;
  const operation = await service.engine.plans.request(admin.user, hosting);
  expect((await service.engine.operations.wait(operation.id, { timeoutMs: 60_000 })).status).toBe(
    'succeeded',
  );
  const [run] = await service.engine.runs.list(admin.user, hosting, { limit: 1 });
  expect(run?.requestedBy).toBe(admin.user.username);
  const ask = () =>
    request(service.app).get(`/api/v1/runs/${run!.id}`).set('Authorization', `Bearer ${admin.token}`);
  await ask().expect(200);
  await setRole(service.database.direct, admin.email, 'user');
  await ask().expect(404);
});
