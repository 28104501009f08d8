import { z } from 'zod';
import { describeApi } from '../../../api/openapi';
import { defineRoute } from '../../../api/route';
import { routes } from '../../../api/routes';
import { bearer, fieldsOf, mina, startApi } from './harness';

/** As somebody would add one: a declaration, and nothing else. */
const findHostings = defineRoute({
  name: 'findHostings',
  method: 'get',
  path: '/api/v1/admin/hostings/{node}',
  tag: 'Admin',
  summary: 'Find hostings',
  auth: 'admin',
  params: z.strictObject({ node: z.string().max(8) }),
  query: z.strictObject({
    status: z.enum(['running', 'failed']).optional(),
    limit: z.coerce.number().int().max(50).default(10),
  }),
  responses: {
    200: {
      description: 'Found',
      data: z.object({ node: z.string(), status: z.string().nullable(), limit: z.number() }),
    },
  },
  failures: [],
  async handle({ params, query, user, answer }) {
    expect(user.role).toBe('admin');
    const data = { node: params.node, status: query.status ?? null, limit: query.limit };
    return answer(200, { message: 'hosting_shown', data });
  },
});
const table = [...routes, findHostings];
const at = '/api/v1/admin/hostings/local';

async function asAdmin() {
  const api = startApi({ routes: table });
  const auth = bearer(await api.signIn());
  api.engine.makeAdmin(mina.email);
  return { ...api, get: (query: string) => api.http.get(at + query).set(auth) };
}

describe('a route that is only declared', () => {
  it('is served', async () => {
    const { get } = await asAdmin();
    const { body } = await get('?status=running&limit=5').expect(200);
    expect(body.data).toEqual({ node: 'local', status: 'running', limit: 5 });
  });

  it('is documented: access, parameters, answers and failures', () => {
    const document = describeApi(table) as { paths: Record<string, Record<string, unknown>> };
    expect(document.paths['/api/v1/admin/hostings/{node}']?.['get']).toMatchObject({
      operationId: 'findHostings',
      security: [{ bearer: [] }, { login: [] }],
      parameters: [
        { name: 'node', in: 'path', required: true, schema: { type: 'string', maxLength: 8 } },
        { name: 'status', in: 'query', required: false, schema: { enum: ['running', 'failed'] } },
        { name: 'limit', in: 'query', required: false, schema: { maximum: 50, default: 10 } },
      ],
      responses: {
        200: { description: 'Found' },
        400: {},
        401: {},
        403: { description: 'forbidden, insufficient_scope' },
      },
    });
  });

  it('is closed to users who are no admins', async () => {
    const { http, signIn } = startApi({ routes: table });
    const { body } = await http
      .get(at)
      .set(bearer(await signIn()))
      .expect(403);
    expect(body.error.code).toBe('forbidden');
    await http.get(at).expect(401);
  });

  it.each([
    ['?status=running&status=failed', ['status']],
    ['?status[]=running', ['status[]']],
    ['?status[$ne]=x', ['status[$ne]']],
    ['?limit=51', ['limit']],
    ['?limit=1&limit=2', ['limit']],
    ['?unknown=1', ['unknown']],
    ['?__proto__=1&constructor=2', ['__proto__', 'constructor']],
  ])('refuses the query %s', async (query, fields) => {
    const { get } = await asAdmin();
    expect(fieldsOf(await get(query))).toEqual(fields);
  });

  it('refuses what its parameters do not allow', async () => {
    const { http, signIn, engine } = startApi({ routes: table });
    const auth = bearer(await signIn());
    engine.makeAdmin(mina.email);
    expect(fieldsOf(await http.get('/api/v1/admin/hostings/much-too-long').set(auth))).toEqual(['node']);
  });
});

it('ignores query parameters where a route declares none', async () => {
  const { http } = startApi();
  await http.get('/health?cache=1&cache=2&a[b]=c').expect(200);
});

it('does not compile with an undeclared status, a missing field, an unknown text or a user nobody asked for', () => {
  const spec = {
    name: 'x',
    method: 'get',
    path: '/x',
    tag: 'x',
    summary: 'x',
    auth: 'none',
    failures: [],
  } as const;
  const responses = { 200: { description: 'x', data: z.object({ n: z.number() }) } };
  const declared = [
    defineRoute({
      ...spec,
      responses,
      // @ts-expect-error 201 is not declared
      handle: async ({ answer }) => answer(201, { message: 'healthy', data: { n: 1 } }),
    }),
    defineRoute({
      ...spec,
      responses,
      // @ts-expect-error data lacks n
      handle: async ({ answer }) => answer(200, { message: 'healthy', data: {} }),
    }),
    defineRoute({
      ...spec,
      responses,
      // @ts-expect-error no such text
      handle: async ({ answer }) => answer(200, { message: 'nope', data: { n: 1 } }),
    }),
    defineRoute({
      ...spec,
      responses,
      // @ts-expect-error nobody has signed in
      handle: async ({ answer, user }) => answer(200, { message: 'healthy', data: { n: user.id } }),
    }),
  ];
  // The check is the compiler's; this line only runs what it read.
  expect(declared).toHaveLength(4);
});
