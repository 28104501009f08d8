/** Writes the OpenAPI 3.1 document from the route table: what validates is what is documented. */
import { z } from 'zod';
import { staysOpen } from './at-once';
import { statusOf, type FailureCode } from './http-error';
import { errorMessages } from './error-messages';
import { exampleOf } from './openapi-examples';
import { contentTypes } from './read-body';
import type { Access, ResponseSpec, Route } from './route';
import { scopeOf } from './scope';
import { answerComponents, requestComponents, type ComponentRegistry } from './schemas/components';
import { errorAnswer } from './schemas/failure';
import { projectVersion } from '../engine';

type Json = Readonly<Record<string, unknown>>;
type Direction = 'input' | 'output';

const description = `Gives every user an isolated virtual machine with a web server.

Register, log in (**Authorize**), then call \`POST /api/v1/host\`. Scripts send a personal API token instead of
signing in; \`x-token-scope\` names the scope that it needs. Every response except the login's is
\`{success, message, data}\`; every error is \`{success, message, error: {code, details, request_id}}\`.
Messages are in English, or in Korean with \`Accept-Language: ko\`.`;

export function describeApi(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    [route.path, ...(route.aliases ?? [])].forEach((path, index) => {
      const operationId = index === 0 ? route.name : `${route.name}Alias${index > 1 ? index : ''}`;
      paths[path] = { ...paths[path], [route.method]: describeRoute(route, operationId) };
    });
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'vm-webhoster',
      version: projectVersion,
      description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...components(requestComponents, 'input'), ...components(answerComponents, 'output') },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        login: { type: 'oauth2', flows: { password: { tokenUrl: '/api/v1/auth/login', scopes: {} } } },
      },
    },
  };
}

function describeRoute(route: Route, operationId: string): Json {
  return {
    operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: security(route.auth),
    ...(asksWho(route) ? { 'x-token-scope': scopeOf(route) } : {}),
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...parameters(route.headers, 'header'),
    ],
    ...(route.body === undefined ? {} : { requestBody: requestBody(route, route.body) }),
    responses: { ...answers(route), ...failures(route) },
  };
}

/** Strangers are turned away. */
function asksWho({ auth }: Pick<Route, 'auth'>): boolean {
  return auth === 'user' || auth === 'admin';
}

function security(access: Access): Json[] {
  if (access === 'none') return [];
  return [...(access === 'optional' ? [{}] : []), { bearer: [] }, { login: [] }];
}

function requestBody(route: Route, body: z.ZodType): Json {
  const schema = schemaOf(body, 'input');
  return {
    required: !body.safeParse(undefined).success,
    content: { [contentTypes[route.bodyType ?? 'json']]: { schema } },
  };
}

function parameters(schema: z.ZodObject | undefined, place: 'path' | 'query' | 'header'): Json[] {
  return Object.entries(schema?.shape ?? {}).map(([name, field]) => {
    const { description: text, ...inner } = schemaOf(field as z.ZodType, 'input');
    const required = !(field as z.ZodType).safeParse(undefined).success;
    return { name, in: place, required, ...(text === undefined ? {} : { description: text }), schema: inner };
  });
}

const headerText = (text: string): Json => ({ description: text, schema: { type: 'string' } });
const everyAnswer = {
  'X-Request-Id': headerText('Your own if it was valid, otherwise a new one; it is in the log'),
};

function answers(route: Route): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(route.responses).map(([status, spec]) => {
      const own = Object.entries(spec.headers ?? {}).map(([name, text]) => [name, headerText(text)]);
      const headers = { ...everyAnswer, ...(Object.fromEntries(own) as Json) };
      return [status, { description: spec.description, headers, ...content(spec) }];
    }),
  );
}

function content(spec: ResponseSpec): Json {
  if ('empty' in spec) return {};
  if ('events' in spec) {
    const example = `data: ${JSON.stringify(exampleOf(schemaOf(spec.events, 'output'), answerNamed))}\n\n`;
    return { content: { 'text/event-stream': { schema: eventOf(spec.events), example } } };
  }
  const schema = 'body' in spec ? schemaOf(spec.body, 'output') : envelope(schemaOf(spec.data, 'output'));
  return { content: { 'application/json': { schema, example: exampleOf(schema, answerNamed) } } };
}

let answersByName: Record<string, Json> | undefined;

/** What a reference of an answer names. Read once: it takes a while. */
function answerNamed(at: string): Json {
  answersByName ??= components(answerComponents, 'output');
  return answersByName[at.slice(at.lastIndexOf('/') + 1)] ?? {};
}

/** One event of a stream, as OpenAPI 3.2 describes them: its data is JSON in a string. */
function eventOf(data: z.ZodType): Json {
  const json = {
    type: 'string',
    contentMediaType: 'application/json',
    contentSchema: schemaOf(data, 'output'),
  };
  const properties = {
    id: { type: 'string', description: 'Send it as `Last-Event-ID` to continue after this event' },
    event: { type: 'string', description: 'Type of the event' },
    data: { ...json, description: 'JSON' },
  };
  return { type: 'object', properties, required: ['data'] };
}

function envelope(data: Json): Json {
  const message = {
    type: 'string',
    description: 'For people, in their language',
    examples: ['Your hosting is ready'],
  };
  const properties = {
    success: { const: true, description: 'Always true, except for errors' },
    message,
    data,
  };
  return { type: 'object', properties, required: ['success', 'message', 'data'] };
}

/** What any route of this kind can answer besides what it names itself. */
function sharedFailures(route: Route): FailureCode[] {
  const codes: FailureCode[] = ['internal', 'database_unavailable'];
  if (route.auth !== 'none') codes.push('unauthorized');
  if (route.auth === 'admin') codes.push('forbidden');
  if (asksWho(route) && scopeOf(route) !== 'any')
    codes.push(scopeOf(route) === 'session' ? 'session_required' : 'insufficient_scope');
  if (route.cost !== 0) codes.push('rate_limited');
  if (asksWho(route) && staysOpen(route)) codes.push('too_many_at_once');
  if (route.params ?? route.query ?? route.headers ?? route.body) codes.push('validation_failed');
  if (route.params) codes.push('malformed_request');
  if (route.method !== 'get') codes.push('cross_site_refused', 'unsupported_media_type');
  if (route.body) codes.push('payload_too_large');
  if (route.body && route.bodyType !== 'form') codes.push('malformed_json');
  return codes;
}

function failures(route: Route): Record<string, Json> {
  const byStatus = new Map<number, FailureCode[]>();
  for (const code of new Set([...route.failures, ...sharedFailures(route)])) {
    byStatus.set(statusOf[code], [...(byStatus.get(statusOf[code]) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const schema = schemaOf(errorAnswer, 'output');
      const content = { 'application/json': { schema, example: failureExample(codes[0] ?? 'internal') } };
      return [String(status), { description: codes.join(', '), headers: everyAnswer, content }];
    }),
  );
}

function failureExample(code: FailureCode): Json {
  const message = errorMessages[code].en;
  return { success: false, message, error: { code, details: {}, request_id: 'f3c1a2b4' } };
}

const reference = (id: string): string => `#/components/schemas/${id}`;

/** A reference for a named schema; the schema itself for one that has no name. */
function schemaOf(schema: z.ZodType, direction: Direction): Json {
  const id = (direction === 'input' ? requestComponents : answerComponents).get(schema)?.id;
  return id === undefined ? plain(z.toJSONSchema(schema, { io: direction })) : { $ref: reference(id) };
}

function components(registry: ComponentRegistry, direction: Direction): Record<string, Json> {
  const { schemas } = z.toJSONSchema(registry, { io: direction, uri: reference });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, plain(schema)]));
}

/** OpenAPI names the dialect and the place itself; `$id` with a fragment would even be wrong. */
function plain({ $schema: _dialect, $id: _place, ...schema }: z.core.JSONSchema.BaseSchema): Json {
  return schema;
}
