/**
 * The application over the fake engine, with one thing more: every JSON answer any test provokes is held against
 * the route table. An undocumented status, code or field fails the test that met it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import request from 'supertest';
import { createApp, type AppParts } from '../../../api/app';
import { describeApi } from '../../../api/openapi';
import type { Route } from '../../../api/route';
import { routes as allRoutes } from '../../../api/routes';
import { type FakeEngine, fakeEngine, type FakeEngineOptions } from '../../fakes/fake-engine';

export const mina = { email: 'mina@example.com', password: 'correct horse battery', username: 'mina' };
export const juno = { email: 'juno@example.com', password: 'another long passphrase', username: 'juno' };

type LogLine = Readonly<Record<string, unknown>>;

export interface Api {
  readonly engine: FakeEngine;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  readonly log: { readonly level: 'info' | 'warn' | 'error'; readonly line: LogLine }[];
  readonly http: ReturnType<typeof request>;
  /** Registers and signs in; gives the token. */
  signIn(who?: typeof mina): Promise<string>;
}

export interface ApiOptions extends FakeEngineOptions, Partial<Omit<AppParts, 'engine' | 'logger'>> {
  /** False for tests that push errors through routes which never meet them. @default true */
  readonly documented?: boolean;
}

const violations: string[] = [];

afterEach(() => {
  expect(violations.splice(0)).toEqual([]);
});

export function startApi({ operationsEnd, documented = true, ...parts }: ApiOptions = {}): Api {
  const engine = fakeEngine({ operationsEnd });
  const log: Api['log'] = [];
  const collect = (level: 'info' | 'warn' | 'error') => (line: LogLine) => void log.push({ level, line });
  const logger = {
    info: collect('info'),
    warn: collect('warn'),
    error: collect('error'),
  } as unknown as AppParts['logger'];
  const app = createApp({
    engine,
    config: { REQUEST_WAIT_SECONDS: 5, METRICS_OPEN_LOCAL: true },
    logger,
    ...parts,
  });
  const routes = parts.routes ?? allRoutes;
  const handle: Api['handle'] = (incoming, response) => {
    if (documented) watch(incoming, response, routes);
    app(incoming as never, response as never);
  };
  const http = request(handle);
  const signIn = async (who = mina): Promise<string> => {
    await http.post('/api/v1/auth/register').send(who).expect(201);
    const form = { username: who.email, password: who.password };
    const { body } = await http.post('/api/v1/auth/login').type('form').send(form).expect(200);
    return body.access_token;
  };
  return { engine, handle, log, http, signIn };
}

export const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });

/** The fields that validation_failed names. */
export function fieldsOf(response: request.Response): string[] {
  expect(response.status).toBe(400);
  expect(response.body.error.code).toBe('validation_failed');
  return response.body.error.details.fields.map(({ field }: { field: string }) => field);
}

function watch(incoming: IncomingMessage, response: ServerResponse, routes: readonly Route[]): void {
  const end = response.end.bind(response) as (...all: unknown[]) => ServerResponse;
  response.end = ((...all: unknown[]) => {
    const [chunk] = all;
    const isJson = String(response.getHeader('content-type')).startsWith('application/json');
    const { route } = incoming as { route?: { path: string } };
    if (isJson && route !== undefined && typeof chunk !== 'function' && chunk !== undefined) {
      judge(
        String(incoming.method),
        route.path.replace(/:(\w+)/g, '{$1}'),
        response.statusCode,
        String(chunk),
        routes,
      );
    }
    return end(...all);
  }) as typeof response.end;
}

function judge(method: string, path: string, status: number, json: string, routes: readonly Route[]): void {
  const route = routes.find(
    (each) => each.method === method.toLowerCase() && [each.path, ...(each.aliases ?? [])].includes(path),
  );
  if (route === undefined) return;
  const body = JSON.parse(json);
  const spec = route.responses[status];
  const at = `${method} ${path} ${status}`;
  if (spec === undefined) {
    const document = describeApi(routes) as {
      paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
    };
    const description = document.paths[path]?.[route.method]?.responses[String(status)]?.description ?? '';
    if (!description.split(', ').includes(body.error?.code))
      violations.push(`${at} ${body.error?.code} is undocumented`);
    return;
  }
  if ('events' in spec || 'empty' in spec) return;
  const [schema, value] = 'data' in spec ? [spec.data, body.data] : [spec.body, body];
  const parsed = schema.safeParse(value);
  if (!parsed.success) violations.push(`${at}: ${parsed.error.message}`);
  // Parsing strips what the schema does not know, so a difference is an undocumented field.
  else if (JSON.stringify(parsed.data) !== JSON.stringify(inOrderOf(parsed.data, value)))
    violations.push(`${at}: undocumented field`);
}

/** `value` with its keys in the order of `like`, and those that `like` lacks at the end. */
function inOrderOf(like: unknown, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each, index) => inOrderOf((like as unknown[])[index], each));
  if (typeof value !== 'object' || value === null || typeof like !== 'object' || like === null) return value;
  const keys = [...new Set([...Object.keys(like), ...Object.keys(value)])];
  return Object.fromEntries(
    keys.map((key) => [
      key,
      inOrderOf((like as Record<string, unknown>)[key], (value as Record<string, unknown>)[key]),
    ]),
  );
}
