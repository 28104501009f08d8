/**
 * Every text field of the API: what its schema refuses is answered with 4xx. A field that is added without a line in
 * `user-fields` fails. What is let through comes out of every reader as it went in: the other tests of injection.
 */
import request, { type Test } from 'supertest';
import { runs, whole } from '../support/hostile';
import { neverUsed, textFields, userFields } from '../support/user-fields';
import { cloneDatabase } from '../support/postgres';
import { type SignedInUser, startService, type TestService } from '../worlds/service';
import { reportSink, valuesOfField } from '../support/user-values';

jest.setTimeout(runs > 1000 ? 1_800_000 : 240_000);

let started: number;
beforeEach(() => {
  started = performance.now();
});

it('every text field of the API is in the table, and nothing else is', () => {
  const known = [...Object.values(userFields).flatMap(({ places }) => places), ...Object.keys(neverUsed)];
  expect(textFields()).toEqual([...new Set(known)].sort());
});

it.each(Object.keys(userFields))(
  'the texts for %s include many that are accepted and many that are refused',
  (name) => {
    const { accepted, refused } = valuesOfField(name);
    expect([accepted.length + refused.length, accepted.length > runs / 6, refused.length > runs / 6]).toEqual(
      [runs, true, true],
    );
    reportSink(`field-${name.replaceAll(' ', '-')}`, started, {
      accepted: accepted.length,
      refused: refused.length,
    });
  },
);

describe('over HTTP', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startService(await cloneDatabase());
  });
  afterAll(() => service.close());

  const some = (list: readonly string[]): readonly string[] =>
    list.filter((_, index) => index % Math.max(1, Math.floor(list.length / 40)) === 0);
  const inPath = (text: string): string => encodeURIComponent(whole(text));
  interface Api {
    readonly http: ReturnType<typeof request>;
    readonly user: SignedInUser;
  }
  type Send = (api: Api, text: string) => Test | null;
  const post =
    (route: string, body: (text: string) => object): Send =>
    ({ http }, text) =>
      http.post(`/api/v1${route}`).send(body(text));
  const get =
    (route: string): Send =>
    ({ http }, text) =>
      http.get(`/api/v1${route}${inPath(text)}`);
  /** Node sends no header that would not be one, and HTTP takes the space around one away. */
  const header =
    (send: (api: Api) => Test, name: string): Send =>
    (api, text) =>
      /^[\t\x20-\x7e\x80-\xff]*$/.test(text) && text.trim() === text ? send(api).set(name, text) : null;
  const someone = { email: 'kim@example.org', username: 'kim-x', password: 'correct horse battery' };
  const id = '00000000-0000-4000-8000-000000000000';
  const sending: Record<string, Send> = {
    username: post('/auth/register', (username) => ({ ...someone, username })),
    'e-mail': post('/auth/register', (email) => ({ ...someone, email })),
    'new password': ({ http, user }, text) =>
      http.post('/api/v1/auth/password').send({ current_password: user.password, new_password: text }),
    'current password': post('/auth/password', (text) => ({
      current_password: text,
      new_password: 'another fine passphrase',
    })),
    'name to sign in with': ({ http, user }, text) =>
      http
        .post('/api/v1/auth/login')
        .type('form')
        .send({ username: whole(text), password: user.password }),
    'SSH key': post('/host', (text) => ({ ssh_public_key: text })),
    'label name': post('/host', (text) => ({ labels: Object.fromEntries([[text, 'x']]) })),
    'label value': post('/host', (text) => ({ labels: { x: text } })),
    'idempotency key': header(({ http }) => http.post('/api/v1/host').send({}), 'Idempotency-Key'),
    domain: post('/host/my/domains', (domain) => ({ domain })),
    'token name': post('/auth/tokens', (name) => ({ name, scopes: ['hosting:read'] })),
    'differences agreed to': post('/host/my/apply', (text) => ({ agreed: [text] })),
    'user to plan for': post('/admin/plans', (username) => ({ username })),
    'user to label': ({ http }, text) => http.get(`/api/v1/admin/users/${inPath(text)}/labels`),
    'names to list': get('/admin/hostings?names='),
    'labels to list': get('/admin/hostings?labels='),
    'action to list': get('/admin/audit?action='),
    'entry to go on from': get('/admin/audit?after='),
    'event to go on from': header(({ http }) => http.get(`/api/v1/operations/${id}/events`), 'Last-Event-ID'),
    id: get('/operations/'),
  };

  it.each(Object.keys(userFields))(
    'the API answers refused texts for %s with 4xx, and none with 5xx',
    async (name) => {
      const user = await service.newUser('admin');
      const api = { http: request(service.app), user };
      const send = sending[name]!;
      const { sent, refused } = valuesOfField(name);
      const headers = { Authorization: `Bearer ${user.token}`, Prefer: 'respond-async' };
      const status = async (text: string): Promise<number> =>
        (await send(api, text)?.set(headers))?.status ?? 400;
      for (const text of some(refused)) {
        const found = await status(text);
        expect([name, text, found >= 400 && found < 500]).toEqual([name, text, true]);
      }
      for (const text of some(sent))
        expect([name, text, (await status(text)) < 500]).toEqual([name, text, true]);
    },
  );
});
