/**
 * Every text that anybody may send to the API, by the name of the field: what it looks like when it is as it should be,
 * and what the service goes on with. `textFields` reads from the route table which there are.
 */
import fc from 'fast-check';
import { z } from 'zod';
import { auditQuery } from '../../api/schemas/audit';
import { login, newPassword, registration } from '../../api/schemas/account';
import { domainRequest } from '../../api/schemas/domain';
import { createHeaders, hostingQuery, hostingRequest } from '../../api/schemas/hosting';
import { userParams } from '../../api/schemas/label';
import { eventHeaders, operationParams } from '../../api/schemas/operation';
import { passwordChange } from '../../api/schemas/session';
import { applyRequest, newPlanRequest } from '../../api/schemas/terraform';
import { tokenRequest } from '../../api/schemas/token';
import { routes } from '../../api/routes';
import { parsePublicKey } from '../../engine/hostings';
import { domainRefusal } from '../../engine/base/dns-names';
import { hostile, sample } from './hostile';

export interface UserField {
  /** Where it may be sent, as `textFields` names it. */
  readonly places: readonly string[];
  readonly grammar: fc.Arbitrary<string>;
  /** What is refused, whatever stands before it. @default a control character */
  readonly spoil?: fc.Arbitrary<string>;
  /** What the service goes on with; null where it answers 4xx. */
  read(text: string): string | null;
}

const like = (pattern: RegExp): fc.Arbitrary<string> => fc.stringMatching(pattern);
/** Whatever can be typed, much of it with a meaning somewhere. */
const printable = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom(...'azAZ09 \'"<>&$`;|\\/{}()[]%#:-_*?~!@^+=,.é한ß😀'),
    minLength,
    maxLength,
  });
const control = fc.constantFrom('\0', '\n', '\r', '\t', '\u001b', '\u0085', '\u2028\0', '\ud800', '\u007f');
const tooLong = fc.constant('x'.repeat(300));

const passed = <T, R>(schema: z.ZodType<T>, value: unknown, pick: (value: T) => R): R | null => {
  const parsed = schema.safeParse(value);
  return parsed.success ? pick(parsed.data) : null;
};

const password = 'correct horse battery';
const someone = { email: 'kim@example.org', password, username: 'kim-x' };
const keys = [
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+',
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=',
];

export const userFields: Readonly<Record<string, UserField>> = {
  username: {
    places: ['register body.username'],
    grammar: like(/^[a-z][a-z0-9-]{1,30}[a-z0-9]$/),
    read: (username) => passed(registration, { ...someone, username }, (given) => given.username),
  },
  'e-mail': {
    places: ['register body.email'],
    grammar: like(/^[a-z0-9._+-]{1,10}@[a-z]{1,8}\.(org|com)$/),
    read: (email) => passed(registration, { ...someone, email }, (given) => given.email),
  },
  'new password': {
    places: ['register body.password', 'changePassword body.new_password'],
    grammar: printable(10, 40),
    spoil: tooLong,
    read: (text) => passed(newPassword, text, (given) => given),
  },
  'current password': {
    places: ['login body.password', 'changePassword body.current_password', 'deleteAccount body.password'],
    grammar: printable(1, 40),
    spoil: tooLong,
    read: (text) =>
      passed(
        passwordChange,
        { current_password: text, new_password: password },
        (given) => given.current_password,
      ),
  },
  'name to sign in with': {
    places: ['login body.username'],
    grammar: printable(1, 60),
    spoil: tooLong,
    read: (username) => passed(login, { username, password }, (given) => given.username),
  },
  'SSH key': {
    places: ['createHosting body.ssh_public_key'],
    grammar: fc
      .tuple(fc.constantFrom(...keys), like(/^( [A-Za-z0-9._@+-]{1,40})?$/))
      .map(([key, comment]) => key + comment),
    read: (text) => {
      const given = passed(hostingRequest, { ssh_public_key: text }, (body) => body?.ssh_public_key ?? null);
      try {
        return given && parsePublicKey(given);
      } catch {
        return null;
      }
    },
  },
  'label name': {
    places: ['createHosting body.labels key', 'setUserLabels body.labels key'],
    grammar: like(/^[a-z][a-z0-9-]{0,31}$/),
    read: (name) =>
      passed(
        hostingRequest,
        { labels: Object.fromEntries([[name, 'x']]) },
        (body) => Object.keys(body?.labels ?? {})[0] ?? null,
      ),
  },
  'label value': {
    places: ['createHosting body.labels value', 'setUserLabels body.labels value'],
    grammar: like(/^[A-Za-z0-9._-]{1,64}$/),
    read: (value) => passed(hostingRequest, { labels: { x: value } }, (body) => body?.labels?.['x'] ?? null),
  },
  'idempotency key': {
    places: ['createHosting headers.idempotency-key'],
    grammar: like(/^[\x20-\x7e]{1,60}$/),
    read: (text) =>
      passed(createHeaders, { 'idempotency-key': text }, (given) => given['idempotency-key'] ?? null),
  },
  domain: {
    places: ['addMyDomain body.domain', 'verifyMyDomain params.domain', 'removeMyDomain params.domain'],
    grammar: like(/^([a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?\.){1,3}(org|com|dev|xn--p1ai)$/),
    read: (text) => {
      const given = passed(domainRequest, { domain: text }, ({ domain }) => domain);
      return given === null || domainRefusal(given, ['localhost']) !== null ? null : given;
    },
  },
  'token name': {
    places: ['createApiToken body.name'],
    grammar: printable(1, 40),
    read: (name) => passed(tokenRequest, { name, scopes: ['hosting:read'] }, (given) => given.name),
  },
  'differences agreed to': {
    places: ['applyMyHosting body.agreed', 'applyHosting body.agreed'],
    grammar: printable(0, 60),
    read: (text) => passed(applyRequest, { agreed: [text] }, (body) => body?.agreed?.[0] ?? null),
  },
  'user to plan for': {
    places: ['planNewHosting body.username'],
    grammar: printable(1, 40),
    read: (username) => passed(newPlanRequest, { username }, (given) => given.username),
  },
  'user to label': {
    places: [
      'getUserLabels params.username',
      'releaseUsername params.username',
      'setUserLabels params.username',
    ],
    grammar: like(/^[a-z][a-z0-9-]{1,20}$/),
    read: (username) => passed(userParams, { username }, (given) => given.username),
  },
  'names to list': {
    places: ['listHostings query.names'],
    grammar: like(/^[A-Za-z0-9-]{1,20}(,[A-Za-z0-9-]{1,20}){0,3}$/),
    read: (names) => passed(hostingQuery, { names }, (given) => given.names ?? null),
  },
  'labels to list': {
    places: ['listHostings query.labels'],
    grammar: like(
      /^[a-z][a-z0-9-]{0,9}=[A-Za-z0-9._-]{1,20}(,[a-z][a-z0-9-]{0,9}=[A-Za-z0-9._-]{1,20}){0,2}$/,
    ),
    read: (labels) => passed(hostingQuery, { labels }, (given) => given.labels ?? null),
  },
  'action to list': {
    places: ['listAudit query.action'],
    grammar: like(/^[A-Za-z ]{1,40}$/),
    read: (action) => passed(auditQuery, { action }, (given) => given.action ?? null),
  },
  'entry to go on from': {
    places: ['listAudit query.after'],
    grammar: like(/^[0-9]{1,18}$/),
    read: (before) => passed(auditQuery, { after: before }, (given) => given.after ?? null),
  },
  'event to go on from': {
    places: ['followOperation headers.last-event-id'],
    grammar: like(/^[0-9]{1,9}$/),
    read: (id) => passed(eventHeaders, { 'last-event-id': id }, (given) => given['last-event-id'] ?? null),
  },
  id: {
    places: [
      '* params.id',
      'listDrift query.after',
      'listHostings query.after',
      'listMyRuns query.after',
      'listOperations query.after',
      'listRuns query.after',
    ],
    grammar: fc.uuid(),
    read: (id) => passed(operationParams, { id }, (given) => given.id),
  },
};

/** Of what may be sent and is a text, what no program ever sees: why. */
export const neverUsed: Readonly<Record<string, string>> = {
  '* headers.prefer': 'a number of seconds is read from it, and what is none is ignored',
  'login body.scope': 'for clients that send it along',
  'login body.client_id': 'for clients that send it along',
  'login body.client_secret': 'for clients that send it along',
};

/** A part is as it should be, a part is near it, a part hostile, a part certainly refused. */
export function valuesOf({ grammar, spoil = control }: UserField, count: number): string[] {
  return sample(
    fc.oneof(
      { weight: 4, arbitrary: grammar },
      { weight: 2, arbitrary: fc.tuple(grammar, hostile).map(([good, bad]) => good + bad) },
      { weight: 2, arbitrary: hostile },
      { weight: 2, arbitrary: fc.tuple(grammar, spoil).map(([good, bad]) => good + bad) },
    ),
    count,
  );
}

/** `ROUTE PLACE.NAME` of every text that the route table takes; those that many routes take as `* PLACE.NAME`. */
export function textFields(): string[] {
  const found = new Set<string>();
  for (const route of routes) {
    for (const place of ['params', 'query', 'headers'] as const)
      for (const [name, schema] of Object.entries(route[place]?.shape ?? {}))
        for (const at of textsIn(jsonSchemaOf(schema as z.ZodType), `${place}.${name}`))
          found.add(['params.id', 'headers.prefer'].includes(at) ? `* ${at}` : `${route.name} ${at}`);
    if (route.body !== undefined)
      for (const at of textsIn(jsonSchemaOf(route.body), 'body')) found.add(`${route.name} ${at}`);
  }
  return [...found].sort();
}

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly $ref?: string;
}

function jsonSchemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
}

function textsIn(schema: Schema, at: string): string[] {
  if (schema.$ref !== undefined) throw new Error(`${at} refers to another schema`);
  if (schema.enum !== undefined || schema.const !== undefined) return [];
  const { properties = {}, additionalProperties: more, items, anyOf = [] } = schema;
  return [
    ...(schema.type === 'string' ? [at] : []),
    ...Object.entries(properties).flatMap(([name, each]) => textsIn(each, `${at}.${name}`)),
    ...(typeof more === 'object' ? [`${at} key`, ...textsIn(more, `${at} value`)] : []),
    ...(items === undefined ? [] : textsIn(items, at)),
    ...anyOf.flatMap((each) => textsIn(each, at)),
  ];
}
