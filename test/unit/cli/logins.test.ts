import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { credentialsFile, readLogins, withLogin, withoutLogin, writeLogins } from '../../../cli/credentials';
import { chooseTarget } from '../../../cli/target';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-logins-'));
  file = path.join(dir, 'vm-webhoster', 'credentials.json');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const none = { current: null, services: {} };
const login = { token: 'token-of-a', username: 'mina', expiresAt: null };
const a = 'http://a.example';
const b = 'http://b.example';

describe('the file of logins', () => {
  it('is below XDG_CONFIG_HOME, else below HOME', () => {
    expect(credentialsFile({ XDG_CONFIG_HOME: '/x' })).toBe('/x/vm-webhoster/credentials.json');
    for (const XDG_CONFIG_HOME of ['', undefined, 'relative'])
      expect(credentialsFile({ HOME: '/h', XDG_CONFIG_HOME })).toBe(
        '/h/.config/vm-webhoster/credentials.json',
      );
  });

  it('is for its owner alone, whatever the umask, and leaves nothing beside it', async () => {
    const before = process.umask(0);
    try {
      await writeLogins(withLogin(none, a, login), file);
    } finally {
      process.umask(before);
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    expect(await readLogins(file)).toEqual({ current: a, services: { [a]: login } });
    await writeLogins(withLogin(await readLogins(file), b, { ...login, token: 'token-of-b' }), file);
    expect(await readLogins(file)).toMatchObject({ current: b, services: { [a]: login } });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is gone with the last login, and its absence is no login', async () => {
    const both = withLogin(withLogin(none, a, login), b, login);
    expect(withoutLogin(both, b)).toEqual({ current: a, services: { [a]: login } });
    expect(withoutLogin(both, a).current).toBe(b);
    await writeLogins(both, file);
    await writeLogins(none, file);
    expect(existsSync(file)).toBe(false);
    expect(await readLogins(file)).toEqual(none);
    await writeLogins(none, file);
  });

  it('is refused when others may read it, or it is damaged; no token is told', async () => {
    await writeLogins(withLogin(none, a, login), file);
    chmodSync(file, 0o640);
    await expect(readLogins(file)).rejects.toThrow(`chmod 600 ${file}`);
    chmodSync(file, 0o600);
    for (const text of [readFileSync(file, 'utf8').slice(0, -5), '[]', 'null', '{}']) {
      writeFileSync(file, text);
      const thrown = await readLogins(file).catch((error: Error) => error);
      expect(thrown).toMatchObject({ message: expect.stringContaining('is damaged') });
      expect(JSON.stringify(thrown) + String(thrown)).not.toContain('token-of-a');
    }
  });
});

describe('where a command works', () => {
  const signedIn = { current: a, services: { [a]: login } };
  it.each([
    ['--local', { local: true }, { WEBHOSTER_URL: b }, signedIn, { kind: 'machine' }],
    ['--url', { url: `${b}/` }, { WEBHOSTER_URL: a }, signedIn, { kind: 'service', url: b, token: null }],
    ['WEBHOSTER_URL', {}, { WEBHOSTER_URL: b }, signedIn, { kind: 'service', url: b, token: null }],
    ['the last login', {}, {}, signedIn, { kind: 'service', url: a, token: login.token }],
    ['an empty WEBHOSTER_URL', {}, { WEBHOSTER_URL: '' }, none, { kind: 'machine' }],
    ['nothing', {}, {}, none, { kind: 'machine' }],
    ['a token alone', {}, { WEBHOSTER_TOKEN: 't' }, none, { kind: 'machine' }],
    [
      'a token and a login',
      {},
      { WEBHOSTER_TOKEN: ' t\n' },
      signedIn,
      { kind: 'service', url: a, token: 't' },
    ],
    [
      'a token and an address',
      {},
      { WEBHOSTER_URL: b, WEBHOSTER_TOKEN: 't' },
      none,
      { kind: 'service', url: b, token: 't' },
    ],
    [
      'the address of a login',
      { url: `${a}/api/v1` },
      {},
      signedIn,
      { kind: 'service', url: a, token: login.token },
    ],
  ])('%s', async (_, flags, env: Record<string, string>, logins, target) => {
    expect(await chooseTarget(flags, env, () => Promise.resolve(logins))).toEqual(target);
  });

  it('refuses --local with --url', async () => {
    const both = chooseTarget({ local: true, url: a }, {}, () => Promise.resolve(none));
    await expect(both).rejects.toMatchObject({ code: 'validation_failed' });
  });
});
