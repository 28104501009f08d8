import { createHash } from 'node:crypto';
import { describeApi } from '../../../api/openapi';
import { routes } from '../../../api/routes';
import { startApi } from './harness';

interface Operation {
  operationId: string;
  summary: string;
  security: object[];
  parameters: { name: string; in: string; required: boolean; schema: Record<string, unknown> }[];
  requestBody?: { required: boolean; content: Record<string, { schema: { $ref: string } }> };
  responses: Record<
    string,
    { description: string; content?: Record<string, { schema: Record<string, unknown> }> }
  >;
}
interface Property {
  type?: string;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<
      string,
      { properties: Record<string, Property>; required?: string[]; additionalProperties?: unknown }
    >;
    securitySchemes: Record<string, unknown>;
  };
}

const document = describeApi(routes) as unknown as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

it('is served as /openapi.json', async () => {
  const { http } = startApi();
  const { body, headers } = await http.get('/openapi.json').expect(200);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  expect(body).toEqual(JSON.parse(JSON.stringify(document)));
  expect(body.openapi).toMatch(/^3\.1\./);
});

it('documents exactly the paths and methods that are served', () => {
  const served = routes.flatMap(({ method, path, aliases = [] }) =>
    [path, ...aliases].map((at) => `${method} ${at}`),
  );
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(served.sort());
  expect(served).toEqual(
    expect.arrayContaining([
      'post /api/v1/auth/register',
      'post /api/v1/auth/login',
      'get /api/v1/auth/me',
      'post /api/v1/host',
      'get /api/v1/host/my',
      'delete /api/v1/host/my',
      'get /api/v1/health',
      'get /api/v1/health/detailed',
      'get /health',
      'get /health/detailed',
      'get /version',
      'get /api/v1/operations/{id}',
      'get /api/v1/operations/{id}/events',
      'post /api/v1/operations/{id}/cancel',
    ]),
  );
});

it.each(operations)('$method $path is complete', ({ path, operation }) => {
  expect(operation.summary).not.toBe('');
  expect(operation.operationId).toMatch(/^[a-zA-Z0-9]+$/);
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  expect(operation.parameters.filter((each) => each.in === 'path').map(({ name }) => name)).toEqual(inPath);
  for (const parameter of operation.parameters) expect(parameter.required).toBe(parameter.in === 'path');
  const statuses = Object.keys(operation.responses);
  expect(statuses).toEqual(expect.arrayContaining(['500']));
  expect(statuses.some((status) => status.startsWith('2'))).toBe(true);
  for (const [status, { content, description }] of Object.entries(operation.responses)) {
    expect([description !== '', status === '204' || Object.keys(content ?? {}).length === 1]).toEqual([
      true,
      true,
    ]);
    if (Number(status) >= 400) {
      expect(content?.['application/json']?.schema).toEqual({ $ref: '#/components/schemas/Error' });
    }
  }
});

it('says who must sign in, as the server does', async () => {
  const { http } = startApi();
  for (const { path, method, operation } of operations) {
    const agent = http[method as 'get' | 'post' | 'delete'](path.replace('{id}', 'x'));
    const { status } = await agent;
    const knowsCallers = operation.security.length > 0;
    // an empty requirement lets strangers in
    const isOpen = !knowsCallers || operation.security.some((way) => Object.keys(way).length === 0);
    expect([path, status === 401]).toEqual([path, !isOpen]);
    expect('401' in operation.responses).toBe(knowsCallers || path.endsWith('/login'));
    for (const scheme of operation.security.flatMap(Object.keys))
      expect(document.components.securitySchemes).toHaveProperty(scheme);
  }
});

it('has unique operation ids', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

it('resolves every reference, and keeps nothing of another dialect', () => {
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
  expect(references.length).toBeGreaterThan(20);
  for (const reference of references) {
    expect(reference).toMatch(/^#\/components\/schemas\/\w+$/);
    expect(document.components.schemas).toHaveProperty(String(reference).split('/').slice(-1));
  }
  expect(text).not.toMatch(/"\$(schema|id|defs)"/);
  const used = new Set(references.map((reference) => String(reference).split('/').at(-1)));
  expect(Object.keys(document.components.schemas).filter((name) => !used.has(name))).toEqual([]);
});

interface AnySchema {
  readonly $ref?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, AnySchema>>;
  readonly additionalProperties?: AnySchema | boolean;
  readonly items?: AnySchema;
  readonly anyOf?: readonly AnySchema[];
}

/** Names of properties that nothing is said of. */
function undescribed(schema: AnySchema, at: string): string[] {
  const components = document.components.schemas as Readonly<Record<string, AnySchema>>;
  const said = ({ $ref, description }: AnySchema): string | undefined =>
    description ?? ($ref === undefined ? undefined : components[$ref.split('/').at(-1)!]?.description);
  const { properties = {}, additionalProperties: more, items, anyOf = [] } = schema;
  return [
    ...Object.entries(properties).flatMap(([name, each]) => [
      ...(said(each) === undefined ? [`${at}.${name}`] : []),
      ...undescribed(each, `${at}.${name}`),
    ]),
    ...(typeof more === 'object' ? undescribed(more, `${at} value`) : []),
    ...(items === undefined ? [] : undescribed(items, at)),
    ...anyOf.flatMap((each) => undescribed(each, at)),
  ];
}

it('says of every property and every parameter what it is', () => {
  expect(
    Object.entries(document.components.schemas).flatMap(([id, schema]) =>
      undescribed(schema as AnySchema, id),
    ),
  ).toEqual([]);
  for (const methods of Object.values(document.paths))
    for (const { operationId, parameters = [] } of Object.values(methods) as {
      operationId: string;
      parameters?: readonly { name: string; description?: string }[];
    }[])
      expect([operationId, parameters.filter(({ description }) => !description)]).toEqual([operationId, []]);
});

it('has an example of every answer, which is one by the schema that answers are held to', () => {
  let examples = 0;
  for (const route of routes) {
    const documented = (
      document.paths[route.path]![route.method] as unknown as {
        responses: Readonly<Record<string, { content?: Readonly<Record<string, { example?: unknown }>> }>>;
      }
    ).responses;
    for (const [status, { content }] of Object.entries(documented))
      if (content !== undefined)
        expect([route.name, status, Object.values(content)[0]?.example]).toEqual([
          route.name,
          status,
          expect.anything(),
        ]);
    for (const [status, spec] of Object.entries(route.responses)) {
      if ('empty' in spec || 'events' in spec) continue;
      const example = documented[status]!.content!['application/json']!.example as { data: unknown };
      const parsed = 'body' in spec ? spec.body.safeParse(example) : spec.data.safeParse(example.data);
      expect([route.name, status, parsed.error?.issues]).toEqual([route.name, status, undefined]);
      examples++;
    }
  }
  expect(examples).toBeGreaterThan(35);
});

describe('the documented request bodies are what validates', () => {
  const refOf = (path: string): string => {
    const content = Object.values(document.paths[path]?.['post']?.requestBody?.content ?? {});
    return String(content[0]?.schema.$ref.split('/').at(-1));
  };
  const good: Record<string, Record<string, string>> = {
    '/api/v1/auth/register': {
      email: 'mina@example.com',
      password: 'correct horse battery',
      username: 'mina',
    },
    '/api/v1/auth/login': { username: 'mina@example.com', password: 'correct horse battery' },
    '/api/v1/host': {
      ssh_public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+',
    },
  };
  const post = async (path: string, body: object) => {
    const { http, signIn } = startApi();
    const who = { email: 'other@example.com', password: 'correct horse battery', username: 'other' };
    const token = await signIn(who);
    const type = path.endsWith('login') ? 'form' : 'json';
    const { body: answer } = await http
      .post(path)
      .set('Authorization', `Bearer ${token}`)
      .type(type)
      .send(body);
    const code = answer.error?.code as string | undefined;
    return code === 'validation_failed'
      ? answer.error.details.fields.map(({ field }: { field: string }) => field)
      : [];
  };

  it.each(Object.keys(good))('%s: required fields, unknown fields and lengths', async (path) => {
    const schema = document.components.schemas[refOf(path)]!;
    const body = good[path]!;
    expect(schema.additionalProperties).toBe(false);
    expect(await post(path, body)).toEqual([]);
    expect(await post(path, { ...body, not_there: 'x' })).toEqual(['not_there']);
    for (const [name, property] of Object.entries(schema.properties)) {
      const without = Object.fromEntries(Object.entries(body).filter(([key]) => key !== name));
      expect(await post(path, without)).toEqual(schema.required?.includes(name) ? [name] : []);
      const { maxLength, minLength } = property;
      if (maxLength !== undefined)
        expect(await post(path, { ...body, [name]: varied(maxLength + 1) })).toEqual([name]);
      if (minLength !== undefined)
        expect(await post(path, { ...body, [name]: varied(minLength - 1) })).toEqual([name]);
      if (property.pattern !== undefined) {
        expect(new RegExp(property.pattern).test(body[name]!)).toBe(true);
        expect(await post(path, { ...body, [name]: '\n' })).toEqual([name]);
      }
    }
  });

  it('documents the bounds of every field that a stranger may fill', () => {
    const { properties } = document.components.schemas['Registration']!;
    expect(properties).toMatchObject({
      email: { maxLength: 270, format: 'email', pattern: expect.any(String) },
      password: { minLength: 10, maxLength: 128 },
      username: { pattern: expect.any(String) },
    });
    expect(document.components.schemas['HostingRequest']!.properties['ssh_public_key']).toMatchObject({
      maxLength: 16384,
    });
  });

  it('knows that the body of POST /host is optional, and that the login is a form', () => {
    expect(document.paths['/api/v1/host']?.['post']?.requestBody?.required).toBe(false);
    expect(document.paths['/api/v1/auth/register']?.['post']?.requestBody?.required).toBe(true);
    const { content } = document.paths['/api/v1/auth/login']!['post']!.requestBody!;
    expect(Object.keys(content)).toEqual(['application/x-www-form-urlencoded']);
  });
});

/** Text that no list of common passwords holds. */
function varied(length: number): string {
  return createHash('sha512').update(String(length)).digest('hex').repeat(200).slice(0, length);
}
