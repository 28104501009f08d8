/**
 * What a guest answers through a real Nginx, whatever it says: nobody but its own visitors hears of it, and its own only
 * what is an answer. Before Nginx stands Go's reverse proxy, which has one connection for all who ask.
 */
import { freePort } from '../support/postgres';
import { buildTenant, noAnswers, oddAnswers, pathThatSays, runTenant } from '../support/tenant';
import { type Answer, askAt } from './support/ask';
import { ana, baseDomain, kim, type RealBench, realBench, route } from './support/proxies';

jest.setTimeout(120_000);
const tenant = '127.0.0.5';

let bench: RealBench;
let program: { file: string; remove: () => void };
let running: { stop: () => void }[];
let shared: number;

beforeAll(async () => {
  process.umask(0o077);
  program = await buildTenant();
  bench = await realBench();
  await bench.proxy.publish([
    await route(7, 'eve', tenant),
    await route(8, 'ana', ana),
    await route(9, 'kim', kim),
  ]);
  shared = await freePort();
  running = [
    await runTenant(program.file, 'says', `${tenant}:${bench.webPort}`),
    await runTenant(program.file, 'proxy', `127.0.0.1:${shared}`, `http://127.0.0.1:${bench.httpPort}`),
  ];
});
afterAll(async () => {
  for (const each of running) each.stop();
  program.remove();
  await bench.close();
});

const ask = (port: number, urlPath: string, host = 'localhost', method = 'GET'): Promise<Answer> =>
  askAt(port, urlPath, { host, method, timeoutMs: 4_000 });

/** What others get on the same connection, by number and by name: each their own. */
async function expectOthersUnharmed(): Promise<void> {
  for (let count = 0; count < 3; count++) {
    expect((await ask(shared, '/8/a')).body).toContain(`page of ${ana}: {"url":"/a"`);
    expect((await ask(shared, '/b', `kim.${baseDomain}`)).body).toContain(`page of ${kim}: {"url":"/b"`);
    expect(await ask(shared, '/')).toMatchObject({
      status: 302,
      body: expect.not.stringContaining('stolen') as string,
    });
  }
}

const ways: readonly [string, string, string][] = [
  ['number', '/7', 'localhost'],
  ['name', '', `eve.${baseDomain}`],
];

describe.each(ways)('by %s', (_, prefix, host) => {
  it.each(noAnswers)('Nginx refuses %s as a response, and nobody else receives it', async (_what, words) => {
    const urlPath = `${prefix}${pathThatSays(words)}`;
    const direct = await ask(bench.httpPort, urlPath, host);
    expect(direct).toMatchObject({
      status: 502,
      body: expect.stringContaining('an invalid response') as string,
      headers: { connection: 'close' },
    });
    expect(direct.body).not.toContain('stolen');
    expect((await ask(shared, urlPath, host)).status).toBe(502);
    await expectOthersUnharmed();
  });

  it.each(oddAnswers)('nobody else receives %s', async (_what, words) => {
    for (const method of ['GET', 'HEAD', 'POST']) {
      await ask(shared, `${prefix}${pathThatSays(words)}`, host, method).catch(() => undefined);
      await expectOthersUnharmed();
    }
  });
});

it('the tenant’s page is still served', async () => {
  expect((await ask(shared, '/7/')).body).toBe('page of tenant, cookies: ');
});
