/**
 * A tenant whose web server says anything, in a real guest behind a real Nginx: other tenants' visitors get what is
 * theirs, through a proxy that shares its connections and in a real browser.
 */
import http from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../support/browser';
import { freePort } from '../support/postgres';
import { openShell, type Shell } from '../support/shell';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';
import { buildTenant, noAnswers, pathThatSays, runTenant } from '../support/tenant';

jest.setTimeout(600_000);

interface Tenant {
  readonly account: Account;
  readonly made: HostAnswer;
  readonly shell: Shell;
}

let system: System;
let program: { file: string; remove: () => void };
let eve: Tenant;
let victim: Tenant;
let proxy: { stop: () => void };
let shared: number;

beforeAll(async () => {
  program = await buildTenant();
  system = await startSystem('micro', { RATE_LIMIT_PER_MINUTE: '0' });
  [eve, victim] = await Promise.all([newTenant(), newTenant()]);
  shared = await freePort();
  proxy = await runTenant(program.file, 'proxy', `127.0.0.1:${shared}`, system.web);
});
afterAll(async () => {
  proxy?.stop();
  for (const tenant of [eve, victim]) tenant?.shell.close();
  program?.remove();
  await system?.close();
});

/** Its own web server is in the place of the image's. */
async function newTenant(): Promise<Tenant> {
  const account = await system.newAccount();
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  const made = answer.body.data;
  const shell = openShell(made);
  await shell.upload(program.file, '/tmp/tenant');
  await shell.ssh('chmod 755 /tmp/tenant');
  await shell.ssh(
    `sudo -n sh -c "sed -i 's#^::respawn:httpd .*#::respawn:/tmp/tenant says :80#' /etc/inittab && kill -HUP 1; killall httpd; true"`,
  );
  await until(
    60_000,
    'the tenant’s own server answers',
    async () =>
      (await ask(Number(system.env.HTTP_PORT), `/${account.userId}/`).catch(() => null))?.body.startsWith(
        'page of tenant',
      ) ?? false,
  );
  return { account, made, shell };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
}

function ask(port: number, urlPath: string, host = 'localhost'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { host: '127.0.0.1', port, path: urlPath, agent: false, headers: { host } },
      (response) => {
        let body = '';
        response.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body, location: response.headers.location });
        });
        response.on('error', reject);
      },
    );
    request.setTimeout(20_000, () => request.destroy(new Error('no answer'))).on('error', reject);
  });
}

const saying = (tenant: Tenant, ...words: string[]): string =>
  `/${tenant.account.userId}${pathThatSays(words)}`;

it.each(noAnswers)('answers nobody else’s request after %s', async (_, words) => {
  const answer = await ask(shared, `/${eve.account.userId}${pathThatSays(words)}`);
  expect([answer.status, answer.body]).toEqual([502, expect.stringContaining('an invalid response')]);
  for (let count = 0; count < 2; count++) {
    expect((await ask(shared, `/${victim.account.userId}/`)).body).toMatch(/^page of tenant/);
    expect((await ask(shared, '/', `${victim.account.username}.localhost`)).body).toMatch(/^page of tenant/);
    expect((await ask(shared, '/')).location).toBe(`http://localhost:${system.env.API_PORT}/`);
  }
});

describe('in a browser', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage();
  });
  afterEach(() => page.context().close());

  const typed = (type: string, text: string, headers = ''): string =>
    `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${headers}Content-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`;

  it('a visit to one number owns neither the service’s page nor anybody else’s', async () => {
    const worker = `self.addEventListener('fetch', (event) => event.respondWith(new Response('stolen')));`;
    const allowed = 'Service-Worker-Allowed: /\r\n';
    await page.goto(`${system.web}${saying(eve, typed('text/html', '<h1>eve</h1>', allowed))}`);
    const script = `${saying(eve, typed('text/javascript', worker, allowed))}`;
    const tries = [script, `/${eve.account.userId}`, `/${eve.account.userId}?x=/`];
    for (const scope of ['/', `/${victim.account.userId}/`])
      for (const url of tries) expect(await registered(page, url, scope)).toMatch(/SecurityError|TypeError/);
    // what is theirs they may have
    expect(await registered(page, script, `/${eve.account.userId}/say/`)).toBe('registered');
    await page.goto(`${system.web}/${victim.account.userId}/`);
    expect(await page.textContent('body')).toMatch(/^page of tenant/);
    await page.goto(`${system.web}/`);
    expect(page.url()).toBe(`http://localhost:${system.env.API_PORT}/`);
    expect(await page.textContent('h1')).toBe('Your own virtual machine, web server included.');
  });

  it('sends the cookies of one number to no other', async () => {
    const secret = 'Set-Cookie: victim=secret; HttpOnly; Path=/\r\nSet-Cookie: wide=1; Domain=localhost\r\n';
    await page.goto(`${system.web}${saying(victim, typed('text/html', 'hello', secret))}`);
    await page.goto(
      `${system.web}${saying(eve, typed('text/html', 'hello', 'Set-Cookie: eve=1; Path=/\r\n'))}`,
    );
    await page.goto(`${system.web}/${victim.account.userId}/`);
    expect(await page.textContent('body')).toBe('page of tenant, cookies: victim=secret');
    await page.goto(`${system.web}/${eve.account.userId}/`);
    expect(await page.textContent('body')).toBe('page of tenant, cookies: eve=1');
  });

  it('sends the cookies of one host name to no other', async () => {
    const { port } = new URL(system.web);
    const at = ({ account }: Tenant): string => `http://${account.username}.localhost:${port}`;
    const wide = 'Set-Cookie: wide=1; Domain=localhost; Path=/\r\nSet-Cookie: own=1; Path=/\r\n';
    await page.goto(`${at(eve)}${pathThatSays([typed('text/html', 'hello', wide)])}`);
    await page.goto(`${at(eve)}/`);
    expect(await page.textContent('body')).toBe('page of tenant, cookies: wide=1; own=1');
    await page.goto(`${at(victim)}/`);
    expect(await page.textContent('body')).toBe('page of tenant, cookies: ');
  });
});

/** What a page hears that registers this script as its service worker. */
function registered(page: Page, script: string, scope: string): Promise<string> {
  const [from, to] = [JSON.stringify(script), JSON.stringify({ scope })];
  return page.evaluate<string>(
    `navigator.serviceWorker.register(${from}, ${to}).then(() => 'registered', (error) => String(error))`,
  );
}
