/** Whole commands over the API, from their arguments to what they print and end with. */
import http from 'node:http';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { everyCommand } from '../../../cli/facts';
import { buildProgram, exitCodeOf } from '../../../cli/program';
import { juno, mina, startApi, type Api } from '../api/harness';

let api: Api;
let server: http.Server;
let url: string;
let config: string;
const before = { ...process.env };
const realInput = Object.getOwnPropertyDescriptor(process, 'stdin')!;

beforeEach(async () => {
  api = startApi();
  server = http.createServer(api.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  config = mkdtempSync(path.join(tmpdir(), 'webhoster-cli-'));
  process.env.XDG_CONFIG_HOME = config;
  delete process.env.WEBHOSTER_URL;
  delete process.env.WEBHOSTER_TOKEN;
});
afterEach(() => {
  process.env = { ...before };
  process.exitCode = undefined;
  Object.defineProperty(process, 'stdin', realInput);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
  server.closeAllConnections();
  server.close();
  rmSync(config, { recursive: true, force: true });
});

async function webhoster(line: string, input?: string): Promise<{ code: number; out: string; err: string }> {
  const told = { out: '', err: '' };
  const say = (where: 'out' | 'err') => (text: unknown) => void (told[where] += `${String(text)}\n`);
  jest.spyOn(console, 'log').mockImplementation(say('out'));
  jest.spyOn(console, 'error').mockImplementation(say('err'));
  if (input !== undefined)
    Object.defineProperty(process, 'stdin', { value: Readable.from([input]), configurable: true });
  process.exitCode = undefined;
  let running: Command | null = null;
  const program = buildProgram((command) => (running = command));
  for (const { command } of everyCommand(program)) command.configureOutput({ writeErr: say('err') });
  try {
    await program.parseAsync(['node', 'webhoster', ...line.split(' ')]);
    return { code: Number(process.exitCode ?? 0), ...told };
  } catch (thrown) {
    return { code: exitCodeOf(thrown, running), out: told.out, err: told.err + (thrown as Error).message };
  }
}

const file = (): string => path.join(config, 'vm-webhoster', 'credentials.json');

/** Mina has a hosting and is signed in. */
async function signedIn(): Promise<string> {
  const token = await api.signIn(mina);
  await api.http.post('/api/v1/host').set('Authorization', `Bearer ${token}`).expect(201);
  expect((await webhoster(`login --url ${url} --token-stdin`, `${token}\n`)).code).toBe(0);
  return token;
}

describe('an administrator', () => {
  async function administers(): Promise<void> {
    const token = await signedIn();
    api.engine.makeAdmin(mina.email);
    const other = await api.signIn(juno);
    await api.http.post('/api/v1/host').set('Authorization', `Bearer ${other}`).expect(201);
    expect(token).not.toBe('');
  }

  it('is told names that are of no hosting, and the others go', async () => {
    await administers();
    expect(await webhoster('teardown nosuch --yes')).toMatchObject({
      code: 1,
      err: 'error: no hosting matches "nosuch" (VM name, ID or username)\n',
      out: 'No such hosting; nothing was removed\n',
    });
    const { code, out, err } = await webhoster('teardown Juno typo --yes');
    expect([code, err]).toEqual([1, 'error: no hosting matches "typo" (VM name, ID or username)\n']);
    expect(out).toContain('1 gone, 0 left');
    expect((await webhoster('teardown mina --label course=x --dry-run')).err).toContain(
      'no hosting with that label or age matches "mina"',
    );
    const json = await webhoster('teardown mina typo --yes --json');
    expect(JSON.parse(json.out)).toMatchObject({
      ...{ gone: 1, left: 0, planned: 0, unknown: ['typo'] },
      results: [{ id: expect.any(String), vm_id: expect.stringMatching(/^vm-/), username: 'mina' }],
    });
    expect(json.code).toBe(1);
  });

  it('labels accounts', async () => {
    await administers();
    const labelled = await webhoster('label course=cs101 term=spring --user juno --user mina');
    expect(labelled).toMatchObject({
      code: 0,
      out: expect.stringMatching(/juno +course=cs101 term=spring +vm-/),
    });
    expect((await webhoster('label --user juno --remove term')).out).toMatch(/juno +course=cs101 +vm-/);
    expect(JSON.parse((await webhoster('label --user juno --json')).out)).toEqual([
      {
        ...{ username: 'juno', labels: { course: 'cs101' }, hosting_labels: { course: 'cs101' } },
        vm_id: expect.stringMatching(/^vm-/),
      },
    ]);
    expect((await webhoster('label Course=x --user juno')).code).toBe(2);
    expect((await webhoster('label course=x --user nobody')).code).toBe(1);
    expect((await webhoster('teardown --label course=cs101 --dry-run')).out).toContain('2 would be removed');
  });

  it('gets the API’s own names from every --json', async () => {
    await administers();
    await webhoster('plan mina');
    const keysOf = (value: unknown): string[] =>
      Array.isArray(value)
        ? value.flatMap(keysOf)
        : typeof value === 'object' && value !== null
          ? Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)])
          : [];
    for (const line of [
      'operations --json',
      'drift --json',
      'runs mina --json',
      'label --user mina --json',
      'teardown mina --dry-run --json',
    ]) {
      const { out } = await webhoster(line);
      expect([line, keysOf(JSON.parse(out)).filter((key) => /[A-Z]/.test(key))]).toEqual([line, []]);
    }
  });
});

describe('webhoster login', () => {
  it('keeps the token for its owner alone, and tells neither token nor password', async () => {
    await api.signIn(mina);
    const { code, out, err } = await webhoster(
      `login --url ${url}/api/v1 --email ${mina.email} --password-stdin`,
      `${mina.password}\n`,
    );
    expect([code, out]).toEqual([0, expect.stringContaining(`Signed in to ${url} as mina, until 20`)]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const { services } = JSON.parse(readFileSync(file(), 'utf8'));
    const { token } = services[url];
    expect(out + err).not.toContain(token);
    expect(readFileSync(file(), 'utf8')).not.toContain(mina.password);
    expect((await webhoster('logout')).out).toBe(`Signed out of ${url}\n`);
    expect(existsSync(file())).toBe(false);
    expect(await webhoster('logout')).toMatchObject({ code: 0, out: 'Not signed in\n' });
  });

  it.each([
    [
      'a wrong password',
      (at: string) => `login --url ${at} --email ${mina.email} --password-stdin`,
      'wrong password',
      3,
      'wrong e-mail address or password',
    ],
    ['a token that is none', (at: string) => `login --url ${at} --token-stdin`, 'nonsense', 3, 'not valid'],
    [
      'no password',
      (at: string) => `login --url ${at} --email ${mina.email} --password-stdin`,
      '',
      2,
      'No password on the standard input',
    ],
    ['no terminal', (at: string) => `login --url ${at}`, 'x', 2, 'use --email'],
    ['no address', () => 'login', 'x', 2, '--url http://localhost:8000'],
    ['nobody there', () => 'login --url http://127.0.0.1:9 --token-stdin', 'x', 4, 'cannot be reached'],
  ])('refuses %s, and keeps nothing', async (_, line, input, code, message) => {
    await api.signIn(mina);
    expect(await webhoster(line(url), input)).toMatchObject({ code, err: expect.stringContaining(message) });
    expect(existsSync(file())).toBe(false);
  });
});

describe('a user who is signed in', () => {
  it('plans their own hosting; differences end with 2', async () => {
    await signedIn();
    expect(await webhoster('plan')).toMatchObject({ code: 0, out: expect.stringContaining('No changes') });
    api.engine.differ('mina', ['libvirt_domain.vm: update (running)']);
    expect(await webhoster('plan mina')).toMatchObject({
      code: 2,
      out: expect.stringMatching(/~ +libvirt_domain\.vm\n +running: /),
    });
    expect(await webhoster('plan juno')).toMatchObject({
      code: 1,
      err: expect.stringContaining('You have no hosting'),
    });
  });

  it('sees the drift of their own hosting, and that a look failed', async () => {
    await signedIn();
    expect(await webhoster('drift')).toMatchObject({ code: 0, out: expect.stringContaining('never') });
    const drift = {
      ...{ checkedAt: new Date(), differences: ['libvirt_domain.vm: create'], lookFailed: true },
      lookFailure: { code: 'libvirt_unavailable' as const, message: 'libvirt does not answer' },
    };
    api.engine.alter('mina', { drift });
    const { code, out } = await webhoster('drift');
    expect([code, out]).toEqual([
      2,
      expect.stringMatching(
        /mina\s+\S+ ago; the latest check failed: libvirt does not answer\s+libvirt_domain/,
      ),
    ]);
  });

  it('applies what they were shown, after --yes', async () => {
    await signedIn();
    api.engine.differ('mina', ['libvirt_domain.vm: create']);
    expect((await webhoster('apply')).code).toBe(2);
    expect(api.engine.lastApply()).toBeUndefined();
    expect((await webhoster('apply --yes')).code).toBe(0);
    expect(api.engine.lastApply()).toEqual({ recreateDisk: false, agreed: ['libvirt_domain.vm: create'] });
  });

  it('is told who may do what is the administrator’s', async () => {
    await signedIn();
    const { code, err } = await webhoster('operations');
    expect([code, err]).toEqual([3, expect.stringContaining('ask an administrator')]);
  });

  it('is told to sign in again when the token is void', async () => {
    await signedIn();
    api.engine.revokeTokens();
    expect(await webhoster('runs')).toMatchObject({
      code: 3,
      err: expect.stringContaining(`webhoster login --url ${url}`),
    });
  });
});

describe('an administrator with a token of the environment', () => {
  beforeEach(async () => {
    const token = await api.signIn(juno);
    api.engine.makeAdmin(juno.email);
    const user = await api.signIn(mina);
    await api.http
      .post('/api/v1/host')
      .set('Authorization', `Bearer ${user}`)
      .send({ labels: { course: 'cs101' } })
      .expect(201);
    process.env.WEBHOSTER_URL = url;
    process.env.WEBHOSTER_TOKEN = token;
  });

  it('lists operations as JSON with moments in ISO 8601', async () => {
    const { code, out } = await webhoster('operations --json --limit 5');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject([
      { kind: 'create-hosting', created_at: expect.stringMatching(/Z$/) },
    ]);
  });

  it('tears down by label: a dry run shows, and removes nothing', async () => {
    expect(await webhoster('teardown --label course=other --yes')).toMatchObject({
      code: 0,
      out: 'No such hosting; nothing was removed\n',
    });
    expect((await webhoster('teardown --label course=cs101 --dry-run --json')).out).toContain('"planned": 1');
    expect((await webhoster('teardown --label course=cs101')).code).toBe(2);
    const { code, out } = await webhoster('teardown --label course=cs101 --yes');
    expect([code, out]).toEqual([0, expect.stringContaining('1 gone, 0 left')]);
    expect((await webhoster('plan mina')).code).toBe(1);
  });

  it('plans for a user who has no hosting yet', async () => {
    expect(await webhoster('plan --new juno')).toMatchObject({
      ...{ code: 2, out: expect.stringContaining('3 to create, 0 to change') },
    });
    expect(await webhoster('plan --new nobody')).toMatchObject({ code: 1, err: 'There is no user nobody' });
  });

  it('gets 4 when the database of the service is away', async () => {
    api.engine.break('authenticate', Object.assign(new Error('connect ECONNREFUSED'), { code: '57P01' }));
    expect(await webhoster('operations')).toMatchObject({
      code: 4,
      err: expect.stringContaining('Try again in 5 s'),
    });
  });
});
