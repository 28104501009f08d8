import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Route } from '../../../../engine/machine/nginx/proxy';
import { renderNginx } from '../../../../engine/machine/nginx/render';
import { type ProxySettings } from '../../../../engine/machine/nginx/proxy-settings';
import { renderSsh } from '../../../../engine/machine/nginx/render-ssh';
import { plainSite } from '../../../../engine/machine/nginx/site';

const fixtures = path.join(__dirname, '../../../fixtures/nginx');
const generation = '0123456789abcdef';
const settings: ProxySettings = {
  dir: '/var/lib/vm-webhoster/nginx',
  httpPort: 80,
  baseDomain: 'pages.example.org',
  streamModule: '/usr/lib/nginx/modules/ngx_stream_module.so',
  luaModules: ['/usr/lib/nginx/modules/ndk_http_module.so', '/usr/lib/nginx/modules/ngx_http_lua_module.so'],
  user: 'www-data',
  apiUrl: 'http://localhost:8000',
  api: null,
};
const routes: readonly Route[] = [
  { userId: 1, username: 'kim', ip: '10.90.0.2', sshPort: 10000 },
  { userId: 7, username: 'ana-maria', ip: '10.90.0.3', sshPort: 10001 },
  { userId: 1234, username: 'x-1', ip: '10.90.3.254', sshPort: 20000 },
];

/** The stored output; with UPDATE_GOLDEN=1 `actual` is stored first. */
function golden(name: string, actual: string): string {
  const file = path.join(fixtures, name);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(fixtures, { recursive: true });
    writeFileSync(file, actual);
  }
  return readFileSync(file, 'utf8');
}

describe('the Nginx configuration', () => {
  it.each([0, 1, 3])('the Nginx configuration for %i routes is the stored one', (count) => {
    const some = routes.slice(0, count);
    const actual = renderNginx(settings, some, generation);
    expect(actual).toBe(golden(`routes-${count}.conf`, actual));
    const ssh = renderSsh(settings, some, generation);
    expect(ssh).toBe(golden(`ssh-${count}.conf`, ssh));
  });

  it.each(['default', 'include', 'hostnames', 'volatile', 'tom', 'nina', 'rob'])(
    'the Nginx configuration reads %s as a username, not as a keyword of the map, nor its first letter as white space',
    (username) => {
      const text = renderNginx(
        settings,
        [{ userId: 1, username, ip: '10.90.0.2', sshPort: 10000 }],
        generation,
      );
      expect(text).toContain(`    \\\\${username} 10.90.0.2;`);
    },
  );

  it('the Nginx configuration serves the API from its replicas, if there are any', () => {
    const api = { host: '127.0.0.1', port: 8000, backends: ['127.0.0.1:8001', '127.0.0.1:8002'] };
    const actual = renderNginx({ ...settings, api }, routes.slice(0, 1), generation);
    expect(actual).toBe(golden('api.conf', actual));
  });

  it('the Nginx configuration leads page and SSH of a sleeping hosting to the doors, and logs visits if they are counted', () => {
    const asleep = '1a2b3c4d-0000-4000-8000-000000000000';
    const some = routes.map((route, index) => (index === 1 ? { ...route, asleep } : route));
    const actual = renderNginx({ ...settings, countsVisits: true }, some, generation);
    expect(actual).toBe(golden('asleep.conf', actual));
    const ssh = renderSsh({ ...settings, countsVisits: true }, some, generation);
    expect(ssh).toBe(golden('ssh-asleep.conf', ssh));
    // where all sleep, nobody listens for those who are awake
    const all = renderSsh(settings, [{ ...routes[0]!, asleep }], generation);
    expect(all.match(/listen 10000;/g)).toHaveLength(1);
    expect(all.match(/^ {2}server \{$/gm)).toHaveLength(2);
  });

  it('the Nginx configuration asks the door about unknown hostings, and opens the ports of waiting spares, if there are any', () => {
    const site = { ...plainSite, waitingPorts: [10_049, routes[0]!.sshPort] };
    const actual = renderNginx({ ...settings, findsNew: true }, routes.slice(0, 1), generation, site);
    expect(actual).toBe(golden('newcomers.conf', actual));
    const ssh = renderSsh(settings, routes.slice(0, 1), generation, site);
    expect(ssh).toBe(golden('ssh-newcomers.conf', ssh));
    // a machine that has got its route meanwhile is at one door only
    expect(ssh.match(new RegExp(`listen ${routes[0]!.sshPort};`, 'g'))).toHaveLength(1);
    expect(renderSsh(settings, [], generation, site)).toContain('listen 10049;');
  });

  it.each(['', '1a2b3c4d', '1a2b3c4d-0000-4000-8000-00000000000;', '../../x'])(
    'the Nginx configuration refuses %p for a sleeping hosting',
    (asleep) => {
      expect(() => renderNginx(settings, [{ ...routes[0]!, asleep }], generation)).toThrow(
        'hostingId does not fit',
      );
    },
  );

  it.each(['127.0.0.1', '127.0.0.1:80;', '127.0.0.1:8001 backup', 'a b:1', 'x:123456'])(
    'the Nginx configuration refuses %p for a replica',
    (backend) => {
      const api = { host: '0.0.0.0', port: 8000, backends: [backend] };
      expect(() => renderNginx({ ...settings, api }, [], generation)).toThrow('backend does not fit');
    },
  );

  it('the Nginx configuration loads no module and names no user if there is none', () => {
    const none = { ...settings, streamModule: null, luaModules: [], user: null };
    for (const text of [renderNginx(none, routes, generation), renderSsh(none, routes, generation)]) {
      expect(text).not.toContain('load_module');
      expect(text).not.toMatch(/^user /m);
    }
  });

  it('the Nginx configuration matches the dots of the base domain as dots', () => {
    expect(renderNginx(settings, [], generation)).toContain(String.raw`pages\.example\.org$`);
  });

  it('the Nginx configuration has room for a listener per route beside the connections', () => {
    const many = Array.from({ length: 10_001 }, (_, index) => ({
      ...routes[0]!,
      userId: index + 1,
      sshPort: 10_000 + index,
    }));
    const [, connections] = /worker_connections (\d+);/.exec(renderSsh(settings, many, generation)) ?? [];
    expect(Number(connections)).toBeGreaterThanOrEqual(10_001 + 4096);
  });

  it('the Nginx configuration removes every other spelling of the headers that describe a visitor', () => {
    const text = renderNginx(settings, [], generation);
    const told = [...text.matchAll(/^ +proxy_set_header (X-\S+) (?!"";)/gm)].map(([, name = '']) => name);
    expect(new Set(told).size).toBeGreaterThanOrEqual(6);
    for (const name of told) {
      expect(text).toContain(`proxy_set_header ${name.replaceAll('-', '_')} "";`);
      expect(text).toContain(`proxy_set_header ${name.replace('-', '_')} "";`);
    }
  });

  it.each(['10.0.0.0/8;', 'all', 'unix:', '$remote_addr'])(
    'the Nginx configuration does not trust %p as a proxy',
    (network) => {
      expect(() => renderNginx({ ...settings, trustedProxies: [network] }, [], generation)).toThrow(
        'network does not fit',
      );
    },
  );

  it('the Nginx configuration opens no SSH port while there is no route', () => {
    expect(renderSsh(settings, [], generation).match(/^ *listen .*$/gm)).toEqual([
      '    listen unix:/var/lib/vm-webhoster/nginx/ssh/generation.sock;',
    ]);
  });
});

describe('a value that does not fit', () => {
  const injections = [
    '',
    'a b',
    'a;',
    'a;\nevil on',
    'a\n',
    '\na',
    'a}',
    '{a',
    '$host',
    '"a"',
    "'a'",
    '#a',
    '\\',
    'a\u0000',
    'ü',
    '${x}',
  ];
  const render = (change: {
    settings?: Partial<ProxySettings>;
    route?: Partial<Route>;
    generation?: string;
  }): string => {
    const given = [
      { ...settings, ...change.settings },
      [{ ...routes[0]!, ...change.route }],
      change.generation ?? generation,
    ] as const;
    return renderNginx(...given) + renderSsh(...given);
  };

  it.each(injections)('the Nginx configuration refuses the username %p', (username) => {
    expect(() => render({ route: { username } })).toThrow('username does not fit');
  });

  it.each(['ab', 'A-name', '1abc', '-abc', 'a_b_c', 'a'.repeat(33), 'abc.def', 'default.x'])(
    'the Nginx configuration refuses the username %p',
    (username) => {
      expect(() => render({ route: { username } })).toThrow('username does not fit');
    },
  );

  it.each([...injections, '10.0.0', '10.0.0.1:80', 'localhost', '10.0.0.1/24', '::1', '1.2.3.4.5'])(
    'the Nginx configuration refuses the address %p',
    (ip) => {
      expect(() => render({ route: { ip } })).toThrow('ip does not fit');
    },
  );

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 53, '1' as unknown as number, null as unknown as number])(
    'the Nginx configuration refuses the user number %p',
    (userId) => {
      expect(() => render({ route: { userId } })).toThrow('positive integer');
    },
  );

  it.each([0, 65_536, -22, 22.5, '22' as unknown as number])(
    'the Nginx configuration refuses the port %p',
    (port) => {
      expect(() => render({ route: { sshPort: port } })).toThrow(/port|integer/);
      expect(() => render({ settings: { httpPort: port } })).toThrow(/port|integer/);
    },
  );

  it.each([...injections, 'relative/dir', '/with space'])(
    'the Nginx configuration refuses the directory %p',
    (dir) => {
      expect(() => render({ settings: { dir } })).toThrow('dir does not fit');
    },
  );

  it.each([...injections, 'UPPER.org', '-a.org', 'a.org-', '.org', 'a.(b|c)', 'a*'])(
    'the Nginx configuration refuses the base domain %p',
    (baseDomain) => {
      expect(() => render({ settings: { baseDomain } })).toThrow('baseDomain does not fit');
    },
  );

  it.each(injections.filter(Boolean))(
    'the Nginx configuration refuses the module and Unix user %p',
    (text) => {
      expect(() => render({ settings: { streamModule: text } })).toThrow('module does not fit');
      expect(() => render({ settings: { luaModules: [text] } })).toThrow('module does not fit');
      expect(() => render({ settings: { apiUrl: text } })).toThrow('origin does not fit');
      expect(() => render({ settings: { publicHost: text } })).toThrow('host does not fit');
      expect(() => render({ settings: { user: text } })).toThrow('user does not fit');
    },
  );

  it.each([...injections, 'short', 'ABCDEF0123456789', '0123456789abcdef0'])(
    'the Nginx configuration refuses the generation %p',
    (text) => {
      expect(() => render({ generation: text })).toThrow('generation does not fit');
    },
  );

  it('a value that Nginx’s configuration refuses is not repeated in the error', () => {
    expect(() => render({ route: { username: 'secret;value' } })).toThrow(/^(?!.*secret)/);
  });
});
