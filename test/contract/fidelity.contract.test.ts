/** What a web application sends and gets is the same with the proxy between as without, or docs/fidelity.md says why not. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../engine/base/project';
import { plainSite } from '../../engine/machine/nginx/site';
import { makeSelfSigned } from '../support/certificates';
import { answers } from '../support/fidelity/answers';
import { type Asking, type Case, keyOf, type Way } from '../support/fidelity/case';
import { type Difference, differences, type Exchange } from '../support/fidelity/compare';
import { listed, misled } from '../support/fidelity/differences';
import { document } from '../support/fidelity/document';
import { type Echo, openEcho } from '../support/fidelity/echo';
import { requests } from '../support/fidelity/requests';
import { type Answer, sendHttp1, sendHttp2 } from '../support/fidelity/send';
import { valueOf } from '../support/fidelity/wire';
import { freePort } from '../support/postgres';
import { baseDomain, type RealBench, realBench, route } from './support/proxies';

const guest = '127.0.0.5';
const domain = 'ana.example.net';
const cases = [...requests, ...answers];

let bench: RealBench;
let echo: Echo;
let ways: Way[];

beforeAll(async () => {
  process.umask(0o077);
  bench = await realBench();
  echo = await openEcho(guest, bench.webPort, cases);
  const httpsPort = await freePort();
  const names = ['localhost', domain, `*.${baseDomain}`];
  const { chain, key } = await makeSelfSigned(names, 10, new Date());
  const certificate = { names, chain, openKey: () => key };
  const https = { port: httpsPort, api: null, redirect: false, hstsSeconds: 31_536_000 };
  const site = {
    ...plainSite,
    domains: [{ name: domain, ip: guest }],
    fallback: certificate,
    certificates: [certificate],
    challengeThumbprint: 'x'.repeat(43),
  };
  const proxy = bench.again({ https: { ...https, serviceHosts: ['localhost'] }, site });
  await proxy.publish([await route(7, 'ana', guest)]);
  ways = (['HTTP', 'HTTPS', 'HTTP/2'] as const).flatMap((protocol) => {
    const port = protocol === 'HTTP' ? bench.httpPort : httpsPort;
    const way = { protocol, port, prefix: '' };
    return [
      { ...way, name: 'path' as const, host: `localhost:${port}`, prefix: '/7' },
      { ...way, name: 'host name' as const, host: `ana.${baseDomain}:${port}` },
      { ...way, name: 'own domain' as const, host: `${domain}:${port}` },
    ];
  });
});
afterAll(async () => {
  await echo.close();
  await bench.close();
});

const brokenOff = {
  headers: [],
  framing: 'none',
  body: Buffer.alloc(0),
  trailers: [],
  inParts: false,
} as const;
const answerMs = 60_000;
let exchanges = 0;

async function exchange(one: Case, send: (mark: string) => Promise<Answer>): Promise<Exchange> {
  const number = ++exchanges;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), answerMs);
  });
  const answer = await Promise.race([send(`${number} ${encodeURIComponent(keyOf(one))}`), late])
    .catch((thrown: unknown) => ({ ...brokenOff, interim: [], echoed: '', first: `none ${String(thrown)}` }))
    .finally(() => clearTimeout(timer));
  return { asked: echo.asked(number), answer };
}

function askingOf({ ask }: Case, way: Way): Asking {
  return typeof ask === 'function' ? ask(way) : ask;
}

async function compare(one: Case, way: Way): Promise<Difference[]> {
  const { host, prefix, port } = way;
  const secure = way.protocol !== 'HTTP';
  const direct = { address: guest, port: echo.port, secure: false, host };
  const straight = await exchange(one, (mark) =>
    sendHttp1(direct, askingOf(one, { ...way, prefix: '' }), mark),
  );
  const asking = askingOf(one, way);
  const target = asking.target ?? '/';
  const prefixed = { ...asking, target: target.startsWith('/') ? `${prefix}${target}` : target };
  const send = way.protocol === 'HTTP/2' ? sendHttp2 : sendHttp1;
  const through = await exchange(one, (mark) =>
    send({ address: '127.0.0.1', port, secure, host }, prefixed, mark),
  );
  const location = valueOf(through.answer.headers, 'location') ?? '';
  const found = differences(one, way, straight, through);
  if (!misled({ case: one, way }, location)) return found;
  const wanted = one.leadsTo?.(way) ?? '';
  return [
    ...found,
    { case: one, way, side: 'visitor', what: 'leads to', straight: wanted, through: location },
  ];
}

function told({ case: one, way, side, what, straight, through }: Difference): string {
  return `${way.protocol} by ${way.name}: ${keyOf(one)}: ${side}'s ${what}: ${straight.slice(0, 200)} -> ${through.slice(0, 200)}`;
}

it('makes no difference that docs/fidelity.md does not list and explain', async () => {
  const unexplained: string[] = [];
  const seen = new Map(cases.map((one) => [one, new Map<Way, Set<number>>()]));
  const shown = new Set<number>();
  const look = async (one: Case, way: Way): Promise<void> => {
    const numbers = new Set(listed.flatMap(({ mayShow }, index) => (mayShow?.(one) ? [index + 1] : [])));
    for (const difference of await compare(one, way)) {
      const index = listed.findIndex(({ allows }) => allows(difference));
      if (index < 0) unexplained.push(told(difference));
      else if (!listed[index]?.isEverywhere && listed[index]?.mayShow === undefined) numbers.add(index + 1);
      shown.add(index);
    }
    seen.get(one)?.set(way, numbers);
  };
  for (const one of cases)
    await Promise.all(
      ways.filter(({ protocol }) => protocol !== 'HTTP/2' || !one.onlyHttp1).map((way) => look(one, way)),
    );
  expect(unexplained).toEqual([]);
  // an entry that nothing shows any more
  expect(
    listed.filter(({ mayShow }, index) => !shown.has(index) && mayShow === undefined).map(({ what }) => what),
  ).toEqual([]);

  const file = path.join(projectRoot, 'docs/fidelity.md');
  const text = readFileSync(path.join(projectRoot, 'test/support/fidelity/fidelity.md'), 'utf8');
  const wanted = document(text, listed, seen);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, wanted);
  expect(readFileSync(file, 'utf8')).toBe(wanted);
}, 300_000);
