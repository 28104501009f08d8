/**
 * Whose page is shown under which name, and what its guest can do there: under the numbers all pages share one origin,
 * under host names each has its own.
 */
import { plainSite } from '../../engine/machine/nginx/site';
import { makeSelfSigned } from '../support/certificates';
import { freePort } from '../support/postgres';
import { sendHttp1 } from '../support/fidelity/send';
import { type Answer, askAt, type Asked } from './support/ask';
import { ana, baseDomain, kim, type RealBench, realBench, route } from './support/proxies';

let bench: RealBench;
beforeEach(async () => {
  process.umask(0o077);
  bench = await realBench();
});
afterEach(async () => {
  await bench.close();
});

/** @param says  what the guest is to answer with */
const ask = (
  urlPath: string,
  { says = {}, headers = {}, ...asked }: Asked & { says?: Record<string, string | string[]> } = {},
): Promise<Answer> =>
  askAt(bench.httpPort, urlPath, {
    ...asked,
    headers: { 'x-answer-with': JSON.stringify(says), ...headers },
  });

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

describe('a name that is nobody’s', () => {
  it.each([
    'www.victim-shop.example',
    'localhost.victim.example',
    'xlocalhost',
    `a.b.${baseDomain}`,
    `x${baseDomain}`,
    `${baseDomain}.evil.example`,
    '1.2.3.4.example',
    '1.2.3.4a',
    '_',
  ])('shows nothing under %s, whatever is asked for', async (host) => {
    await bench.proxy.publish([await route(7, 'ana', ana)]);
    for (const urlPath of [
      '/',
      '/7',
      '/7/',
      '/7/a',
      '/_webhoster/generation',
      '/_webhoster/not-found.html',
    ]) {
      const { status, body } = await ask(urlPath, { host });
      expect([host, urlPath, status]).toEqual([host, urlPath, 404]);
      expect(body).not.toContain('page of');
    }
  });

  it('is one of them again once its domain is given up', async () => {
    const routes = [await route(7, 'ana', ana)];
    const domains = [{ name: 'www.shop.example', ip: ana }];
    await bench.again({ site: { ...plainSite, domains } }).publish(routes);
    expect((await ask('/7/', { host: 'www.shop.example' })).body).toContain(`page of ${ana}`);
    await bench.proxy.publish(routes);
    expect((await ask('/7/', { host: 'www.shop.example' })).status).toBe(404);
  });

  it('shows nothing by HTTPS either', async () => {
    const port = await freePort();
    const { chain, key } = await makeSelfSigned(['localhost', baseDomain], 10, new Date());
    const certificate = { names: ['localhost', baseDomain], chain, openKey: () => key };
    const https = {
      port,
      api: null,
      redirect: false,
      hstsSeconds: 0,
      serviceHosts: ['localhost', baseDomain],
    };
    const site = { ...plainSite, fallback: certificate, certificates: [certificate] };
    await bench.again({ https, site }).publish([await route(7, 'ana', ana)]);
    const get = async (host: string) =>
      (await sendHttp1({ address: '127.0.0.1', port, secure: true, host }, { target: '/7/' }, '1')).first;
    expect(await get('www.victim-shop.example')).toContain(' 404 ');
    for (const host of ['localhost', '127.0.0.1', '[::1]', `localhost:${port}`])
      expect(await get(host)).toContain(' 200 ');
  });
});

it.each(['localhost', 'LOCALHOST', 'localhost.', '127.0.0.1', '[::1]', '203.0.113.9', 'me.example.net'])(
  'shows the pages by number under %s, with and without a port',
  async (host) => {
    await bench.again({ publicHost: 'me.example.net' }).publish([await route(7, 'ana', ana)]);
    for (const port of ['', ':80', `:${bench.httpPort}`])
      expect((await ask('/7', { host: `${host.replace(/\.$/, '')}${port}` })).body).toContain(
        `page of ${ana}`,
      );
  },
);

it('leads from the root to the API, where the service’s own page is: under the numbers there is none', async () => {
  await bench.proxy.publish([]);
  expect(await ask('/')).toMatchObject({ status: 302, headers: { location: 'http://api.example.org/' } });
});

/** Headers of one answer that hold for the whole origin, and for longer. */
const originWide = {
  'Service-Worker-Allowed': '/',
  'Clear-Site-Data': '"*"',
  NEL: '{"report_to":"x","max_age":9999,"include_subdomains":true}',
  'Report-To': '{"group":"x","max_age":9999,"endpoints":[{"url":"https://evil.example"}]}',
  'Alt-Svc': 'h2="evil.example:443"; ma=9999',
  'Strict-Transport-Security': 'max-age=9999; includeSubDomains',
  'Public-Key-Pins': 'pin-sha256="x"; max-age=9999',
  'Expect-CT': 'max-age=9999, enforce',
  'Origin-Agent-Cluster': '?1',
  'Accept-CH': 'Sec-CH-UA-Full-Version',
  'Critical-CH': 'Sec-CH-UA-Full-Version',
  'Set-Login': 'logged-in',
  'Use-As-Dictionary': 'match="/*"',
  'Secure-Session-Registration': '(ES256);path="/"',
  'Set-Cookie2': 'a=b',
  'Shared-Storage-Write': 'clear',
  'Cache-Group-Invalidation': '"pages"',
};

it('lets no answer under a number speak for all of them', async () => {
  await bench.proxy.publish([await route(7, 'ana', ana)]);
  const { headers, body } = await ask('/7/a', { says: { ...originWide, 'X-Mine': 'yes' } });
  expect(body).toContain(`page of ${ana}`);
  expect(headers['x-mine']).toBe('yes');
  for (const name of Object.keys(originWide)) expect(headers).not.toHaveProperty(name.toLowerCase());
});

describe('a cookie', () => {
  const cookiesOf = async (urlPath: string, cookies: string[], host?: string): Promise<string[]> => {
    await bench.proxy.publish([await route(7, 'ana', ana)]);
    const answer = await ask(urlPath, {
      says: { 'Set-Cookie': cookies },
      ...(host === undefined ? {} : { host }),
    });
    return answer.headers['set-cookie'] ?? [];
  };

  it.each([
    ['a=b; Path=/', 'a=b; Path=/7/'],
    ['a=b; path=/; HttpOnly', 'a=b; HttpOnly; Path=/7/'],
    ['a=b;PATH = / ;Secure', 'a=b; Secure; Path=/7/'],
    ['a=b; Path=/blog', 'a=b; Path=/7/blog'],
    ['a=b; Path=/7', 'a=b; Path=/7'],
    ['a=b; Path=/7/x', 'a=b; Path=/7/x'],
    ['a=b; Path=/70', 'a=b; Path=/7/70'],
    ['a=b; Path=/8/', 'a=b; Path=/7/8/'],
    ['a=b; Path=/7/; Path=/', 'a=b; Path=/7/'],
    ['a=b; Path=/7/; Path=/8/', 'a=b; Path=/7/8/'],
    ['a=b; Domain=localhost; Path=/', 'a=b; Path=/7/'],
    ['a=b; domain=.example.org', 'a=b'],
    ['a=b', 'a=b'],
    ['a=b; Path', 'a=b'],
    ['a=b; Path=x', 'a=b'],
    ['a="x;y"; Path=/', 'a="x; y"; Path=/7/'],
    ['a=b; Max-Age=1; SameSite=Lax; Partitioned', 'a=b; Max-Age=1; SameSite=Lax; Partitioned'],
    ['=b; Path=/', '=b; Path=/7/'],
    ['a=b; =; ==; = Path=/; Path="/"', 'a=b; =; ==; = Path=/'],
    ['a=b; Path=/x=y', 'a=b; Path=/7/x=y'],
    ['a=b; Path = /x ; Path', 'a=b'],
  ])('under a number: %s is %s', async (said, wanted) => {
    expect(await cookiesOf('/7/a', [said])).toEqual([wanted]);
  });

  it('under a number without its slash, too, and several of them', async () => {
    for (const urlPath of ['/7', '/7?x=/7/'])
      expect(await cookiesOf(urlPath, ['a=b', 'c=d; Path=/'])).toEqual(['a=b; Path=/7/', 'c=d; Path=/7/']);
  });

  it.each([
    ['a=b; Path=/; Domain=pages.example.org', 'a=b; Path=/'],
    ['a=b; domain=.pages.example.org; HttpOnly', 'a=b; HttpOnly'],
    ['a=b; Domain=example.org', 'a=b'],
    ['a=b; Domain=kim.pages.example.org', 'a=b'],
    ['a=b; Domain=ANA.pages.example.org', 'a=b; Domain=ANA.pages.example.org'],
    ['a=b; Domain=.ana.pages.example.org', 'a=b; Domain=.ana.pages.example.org'],
    ['a=b; Domain=ana.pages.example.org; Domain=pages.example.org', 'a=b; Domain=ana.pages.example.org'],
    ['a=b; Domain', 'a=b'],
    ['a=b; Path=/', 'a=b; Path=/'],
  ])('under a host name: %s is %s', async (said, wanted) => {
    expect(await cookiesOf('/a', [said], `ana.${baseDomain}`)).toEqual([wanted]);
  });
});

/** @returns ms; the fastest, since the machine may have other things to do */
async function fastestOf(times: number, urlPath: string, host: string, cookie: string): Promise<number> {
  let fastest = Infinity;
  for (let time = 0; time < times; time++) {
    const begun = performance.now();
    expect((await ask(urlPath, { host, says: { 'Set-Cookie': cookie } })).status).toBe(200);
    fastest = Math.min(fastest, performance.now() - begun);
  }
  return fastest;
}

describe('a cookie of many blanks', () => {
  // the machine may be busy, but not for as long as a pattern that looks twice takes for it: 10 s and more
  it.each([
    ['in an attribute', (blanks: string) => `a=b; x${blanks}x`],
    ['in a value', (blanks: string) => `a=b; x=y${blanks}x`],
    ['in its own value', (blanks: string) => `a=${blanks}x`],
    ['after a lonely sign', (blanks: string) => `a=b; =${blanks.slice(0, 14_500)};${blanks}x`],
    ['of tabs', (blanks: string) => `a=b; x${blanks.slice(0, 14_500).replaceAll(' ', '\t')}x`],
    ['beside semicolons', (blanks: string) => `a=b${blanks.replaceAll('  ', '; ')}x`],
  ])('%s keeps nobody waiting', async (_, say) => {
    await bench.proxy.publish([await route(7, 'ana', ana)]);
    for (const [urlPath, host] of [
      ['/7/a', 'localhost'],
      ['/a', `ana.${baseDomain}`],
    ] as const) {
      // as long as an answer's headers may be
      const cookie = say(' '.repeat(29_000)).slice(0, 29_000);
      const usual = await fastestOf(3, urlPath, host, `a=b; x=${'y'.repeat(cookie.length)}`);
      expect(await fastestOf(3, urlPath, host, cookie)).toBeLessThan(4 * usual + 30);
    }
  });
});

describe('the service’s own names', () => {
  const wide = `a=b; Domain=${baseDomain}`;
  const says = { 'Set-Cookie': [wide, 'c=d; Domain=.EXAMPLE.org'], 'Clear-Site-Data': '"*"' };

  it('get no cookie of a user’s host name that has a certificate of its own', async () => {
    const port = await freePort();
    const own = ['example.net', `kim.${baseDomain}`, 'www.shop.example'];
    const { chain, key } = await makeSelfSigned(own, 10, new Date());
    const certificate = { names: own, chain, openKey: () => key };
    const https = { port, api: null, redirect: true, hstsSeconds: 0, serviceHosts: ['example.net'] };
    const domains = [{ name: 'www.shop.example', ip: kim }];
    const site = { ...plainSite, fallback: certificate, certificates: [certificate], domains };
    await bench
      .again({ https, site, publicHost: 'example.net' })
      .publish([await route(7, 'ana', ana), await route(8, 'kim', kim)]);
    const get = async (host: string, words: Record<string, string>) => {
      const headers: [string, string][] = [['X-Answer-With', JSON.stringify(words)]];
      const to = { address: '127.0.0.1', port, secure: true, host };
      const answer = await sendHttp1(to, { headers }, '1');
      return Object.fromEntries(answer.headers.map(([name, value]) => [name.toLowerCase(), value]));
    };
    const said = await get(`kim.${baseDomain}`, { 'Set-Cookie': wide, 'Clear-Site-Data': '"*"' });
    expect(said).toMatchObject({ 'set-cookie': 'a=b', 'clear-site-data': '"cache", "storage"' });
    const shop = { 'Set-Cookie': 'a=b; Domain=shop.example', 'Clear-Site-Data': '"*"' };
    expect(await get('www.shop.example', shop)).toMatchObject({
      'set-cookie': 'a=b; Domain=shop.example',
      'clear-site-data': '"*"',
    });
  });

  it('get no cookie of a domain that a user brought beside them', async () => {
    const domains = ['shop.example.org', 'www.shop.example'].map((name) => ({ name, ip: ana }));
    await bench.again({ site: { ...plainSite, domains } }).publish([await route(7, 'ana', ana)]);
    const { headers } = await ask('/', { host: 'shop.example.org', says });
    expect(headers['set-cookie']).toEqual(['a=b', 'c=d']);
    expect(headers['clear-site-data']).toBe('"cache", "storage"');
  });

  it('are nothing to a domain elsewhere, which says what it likes', async () => {
    const domains = [{ name: 'www.shop.example', ip: ana }];
    await bench.again({ site: { ...plainSite, domains } }).publish([await route(7, 'ana', ana)]);
    const own = ['a=b; Domain=shop.example', 'a=b; domain=.www.shop.example; Path=/'];
    const { headers } = await ask('/', {
      host: 'www.shop.example',
      says: { 'Set-Cookie': own, 'Clear-Site-Data': '"*"' },
    });
    expect(headers['set-cookie']).toEqual(own);
    expect(headers['clear-site-data']).toBe('"*"');
  });
});

it.each([
  ['"*"', '"cache", "storage"'],
  ['"cookies"', undefined],
  ['"cache", "cookies"', '"cache"'],
  ['"storage"', '"storage"'],
])(
  'under a host name: Clear-Site-Data: %s, which would clear the cookies of every name beside it, is %s',
  async (said, wanted) => {
    await bench.proxy.publish([await route(7, 'ana', ana)]);
    const { headers } = await ask('/', { host: `ana.${baseDomain}`, says: { 'Clear-Site-Data': said } });
    expect(headers['clear-site-data']).toBe(wanted);
  },
);

it('gives a service worker the paths of its hosting at most', async () => {
  await bench.proxy.publish([await route(7, 'ana', ana)]);
  const headers = { 'service-worker': 'script', 'sec-fetch-dest': 'serviceworker' };
  for (const root of ['/7', '/7?x=1']) expect((await ask(root, { headers })).status).toBe(404);
  expect((await ask('/7/sw.js', { headers })).body).toContain(`page of ${ana}`);
});

describe('where host names work', () => {
  const home = `http://ana.${baseDomain}`;

  it.each([
    ['a browser', browser],
    ['a script of a page', { accept: '*/*', 'sec-fetch-mode': 'cors' }],
    ['a frame', { accept: '*/*', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }],
  ])('leads %s from the number to the host name, path and all', async (_, headers) => {
    await bench.proxy.publish([await route(7, 'ana', ana)]);
    const at = async (urlPath: string, method = 'GET') =>
      (await ask(urlPath, { host: `${baseDomain}:${bench.httpPort}`, headers, method })).headers.location;
    expect(await at('/7')).toBe(`${home}:${bench.httpPort}/`);
    expect(await at('/7/a%2Fb?x=1')).toBe(`${home}:${bench.httpPort}/a%2Fb?x=1`);
    expect(await at('/7?x=1', 'POST')).toBe(`${home}:${bench.httpPort}/?x=1`);
    expect((await ask('/8/', { host: baseDomain, headers })).status).toBe(404);
  });

  it('keeps the method, and names no port where there is none', async () => {
    await bench.proxy.publish([await route(7, 'ana', ana)]);
    expect(await ask('/7/a', { host: baseDomain, headers: browser, method: 'POST' })).toMatchObject({
      status: 307,
      headers: { location: `${home}/a` },
    });
  });

  it('shows the page at once to who is no browser, as one that no browser would run', async () => {
    await bench.proxy.publish([await route(7, 'ana', ana)]);
    const { body, headers } = await ask('/7', { host: baseDomain, headers: { accept: '*/*' } });
    expect(body).toContain(`page of ${ana}`);
    expect(headers['content-security-policy']).toBe('sandbox');
    const said = await ask('/7', {
      host: baseDomain,
      says: { 'Content-Security-Policy': "default-src 'self'" },
    });
    expect(said.headers['content-security-policy']).toBe("default-src 'self', sandbox");
  });

  it('goes on by number under an address and localhost', async () => {
    await bench.proxy.publish([await route(7, 'ana', ana)]);
    for (const host of ['localhost', '203.0.113.9']) {
      const { body, headers } = await ask('/7/', { host, headers: browser });
      expect(body).toContain(`page of ${ana}`);
      expect(headers).not.toHaveProperty('content-security-policy');
    }
  });

  it('is nowhere where the base domain is localhost', async () => {
    await bench.again({ baseDomain: 'localhost' }).publish([await route(7, 'ana', ana)]);
    expect((await ask('/7/', { headers: browser })).body).toContain(`page of ${ana}`);
    expect((await ask('/', { host: 'ana.localhost' })).body).toContain(`page of ${ana}`);
  });

  it('leads by HTTPS to where a certificate covers the name, and by HTTP elsewhere', async () => {
    const port = await freePort();
    const own = ['example.net', `kim.${baseDomain}`];
    const { chain, key } = await makeSelfSigned(own, 10, new Date());
    const certificate = { names: own, chain, openKey: () => key };
    const https = { port, api: null, redirect: true, hstsSeconds: 0, serviceHosts: ['example.net'] };
    const site = { ...plainSite, fallback: certificate, certificates: [certificate] };
    const proxy = bench.again({ https, site, publicHost: 'example.net' });
    await proxy.publish([await route(7, 'ana', ana), await route(8, 'kim', kim)]);
    const to = async (urlPath: string) => {
      const at = { address: '127.0.0.1', port, secure: true, host: `example.net:${port}` };
      const { headers } = await sendHttp1(at, { target: urlPath, headers: [['Accept', 'text/html']] }, '1');
      return headers.find(([name]) => name.toLowerCase() === 'location')?.[1];
    };
    expect(await to('/8/a')).toBe(`https://kim.${baseDomain}:${port}/a`);
    expect(await to('/7/a')).toBe(`http://ana.${baseDomain}:${bench.httpPort}/a`);
  });
});

it('refuses a path that leads out of the hosting for whoever tidies it up', async () => {
  await bench.proxy.publish([await route(7, 'ana', ana), await route(8, 'kim', kim)]);
  for (const urlPath of ['/7/../8/a', '/7/%2e%2e/8/a', '/7/a/../../8', '/7//..//..//8', '/7/%2E%2E%2f8/'])
    expect([urlPath, (await ask(urlPath)).status]).toEqual([urlPath, 400]);
  for (const urlPath of ['/7/a/../b', '/7/./a', '/7//a', '/7/7/..'])
    expect((await ask(urlPath)).body).toContain(`page of ${ana}`);
});
