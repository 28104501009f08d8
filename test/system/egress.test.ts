/**
 * What `EGRESS=open` opens, and what it does not, with frames that are really sent. The ports of two VMs are those of
 * network namespaces, on a network of libvirt's own with the fences that hostings get; the outside is a namespace, too.
 * Nothing has a way to anywhere else: whatever the bridge forwards to another interface than the test's is dropped.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { fenceOf } from '../../engine/machine/isolation/fence';
import { nodeIsolation } from '../../engine/machine/isolation/node-isolation';
import { networkXslt } from '../../stacks/xslt/network';
import { datagram, type Station } from '../support/frames';
import { buildProbe, listen, type Listener } from '../support/probe';
import { until } from '../worlds/system';
import { readFixture, xsltproc } from '../unit/stacks/support';

jest.setTimeout(240_000);
const run = promisify(execFile);
const uri = 'qemu:///system';
const virsh = (...args: string[]) => run('virsh', ['--connect', uri, '--quiet', ...args]);
const forwarding = '/proc/sys/net/ipv4/ip_forward';

const tag = randomInt(0x1000, 0xffff).toString(16);
/**
 * Of the outside; the first is the host's own there. All are for documentation, but those of the last two lines. They
 * are drawn, so that what a killed run left behind does not stand in the way.
 */
const part = 8 * randomInt(0, 32);
const [hostOutside, outside] = [`198.51.100.${part + 1}`, `198.51.100.${part + 2}`];
const drawn = `${randomInt(16, 32)}.${randomInt(0, 256)}`;
const [office, named] = [`172.${drawn}.10`, `172.${drawn}.20`];
const metadata = '169.254.169.254';
/** That the host keeps in mind of one VM. */
const connectionsOfOne = 200;

interface Guest extends Station {
  readonly name: string;
  /** The host's end of its cable. */
  readonly port: string;
}

let dir: string;
let probe: { file: string; remove: () => void };
let forwarded: string;
let service: http.Server;
const children: ChildProcess[] = [];
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  forwarded = readFileSync(forwarding, 'utf8');
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-egress-'));
  probe = await buildProbe();
  service = http.createServer((_, response) => response.end('the service'));
  await new Promise<void>((resolve) => service.listen(0, '0.0.0.0', resolve));
});
afterAll(() => {
  service?.close();
  probe?.remove();
  rmSync(dir, { recursive: true, force: true });
  writeFileSync(forwarding, forwarded);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const each of undo.splice(0).reverse()) await each().catch(() => undefined);
});

const inside = (namespace: string, ...argv: string[]) => run('ip', ['netns', 'exec', namespace, ...argv]);

async function namespace(name: string): Promise<string> {
  const full = `wht-${tag}-${name}`;
  await run('ip', ['netns', 'add', full]);
  undo.push(() => run('ip', ['netns', 'del', full]));
  await inside(full, 'ip', 'link', 'set', 'lo', 'up');
  return full;
}

/** A cable between the host and a namespace. */
async function cable(hostEnd: string, to: string): Promise<void> {
  await run('ip', ['link', 'add', hostEnd, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', to]);
  undo.push(() => run('ip', ['link', 'del', hostEnd]));
}

/** Answers on port 80 of every address of the namespace, and writes down who asked. */
async function serve(at: string): Promise<string> {
  const log = path.join(dir, `${at}.log`);
  writeFileSync(log, '');
  const script = `import http.server as h, sys
class Page(h.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(b'outside')
    def log_message(self, *all): print(self.client_address[0], file=open(sys.argv[1], 'a'))
h.HTTPServer(('0.0.0.0', 80), Page).serve_forever()`;
  children.push(spawn('ip', ['netns', 'exec', at, 'python3', '-c', script, log], { stdio: 'ignore' }));
  await until(20_000, `${at} serves`, async () =>
    (await inside(at, probe.file, 'connect', '0', '127.0.0.1:80')).stdout.includes('open'),
  );
  return log;
}

async function lab(EGRESS: 'open' | 'none') {
  const octet = randomInt(0, 256);
  const config = {
    ...{ NETWORK_NAME: `wht-${tag}`, NETWORK_BRIDGE: `whte${tag}`, NETWORK_CIDR: `10.243.${octet}.0/26` },
    ...{ EGRESS, EGRESS_ALLOW: [named], VM_CONNECTIONS: connectionsOfOne },
  };
  const fence = fenceOf(config);
  const isolation = nodeIsolation(uri);
  const address = (last: number): string => `10.243.${octet}.${last}`;
  const stations = [10, 11].map((last) => ({ ip: address(last), mac: `52:54:00:5a:e0:${last}` }));

  const out = await namespace('out');
  const way = `wht${tag}o`;
  await cable(way, out);
  await run('ip', ['address', 'add', `${hostOutside}/29`, 'dev', way]);
  await run('ip', ['link', 'set', way, 'up']);
  for (const each of [`${outside}/29`, `${office}/32`, `${named}/32`, `${metadata}/32`])
    await inside(out, 'ip', 'address', 'add', each, 'dev', 'eth0');
  await inside(out, 'ip', 'link', 'set', 'eth0', 'up');
  await inside(out, 'ip', 'route', 'add', `${address(0)}/26`, 'via', hostOutside);
  for (const each of [office, named, metadata])
    await run('ip', ['route', 'replace', `${each}/32`, 'via', outside, 'dev', way]);
  await onlyTo(way, fence.bridge);

  const file = path.join(dir, 'network.xml');
  const provided = readFixture('provider-network.xml')
    .replace('<name>net<', `<name>${config.NETWORK_NAME}<`)
    .replace('br0', fence.bridge)
    .replaceAll('10.97.0.', address(0).slice(0, -1))
    .replace('prefix="24"', 'prefix="26"')
    .replace('mode="nat"', EGRESS === 'open' ? 'mode="nat"' : 'mode="none"');
  const network = { name: '', bridge: '', cidr: '', egress: EGRESS, reservations: stations };
  const xml = xsltproc(networkXslt(network), provided);
  // the provider leaves the element out where there is no way
  writeFileSync(file, EGRESS === 'open' ? xml : xml.replace(/<forward[^>]*\/>/, ''));
  await virsh('net-define', file);
  undo.push(() => virsh('net-undefine', config.NETWORK_NAME));
  await virsh('net-start', config.NETWORK_NAME);
  undo.push(() => virsh('net-destroy', config.NETWORK_NAME));
  await isolation.put(fence);
  undo.push(() => isolation.remove(fence));
  const gateway = {
    ip: fence.gateway,
    mac: readFileSync(`/sys/class/net/${fence.bridge}/address`, 'utf8').trim(),
  };
  const guests: Guest[] = [];
  for (const [index, station] of stations.entries()) guests.push(await newGuest(`g${index}`, station));
  const [a, b] = guests as [Guest, Guest];

  /** As libvirt starts a VM's port: on the bridge, isolated, behind the filter of its hosting. */
  async function newGuest(name: string, station: Station): Promise<Guest> {
    const full = await namespace(name);
    const port = `wht${tag}${name}`;
    await cable(port, full);
    await inside(full, 'ip', 'link', 'set', 'eth0', 'address', station.mac);
    await inside(full, 'ip', 'address', 'add', `${station.ip}/26`, 'dev', 'eth0');
    await inside(full, 'ip', 'link', 'set', 'eth0', 'up');
    await inside(full, 'ip', 'route', 'add', 'default', 'via', fence.gateway);
    await run('ip', ['link', 'set', port, 'master', fence.bridge, 'up']);
    await run('bridge', ['link', 'set', 'dev', port, 'isolated', 'on']);
    const binding = path.join(dir, `${name}.xml`);
    writeFileSync(
      binding,
      `<filterbinding><owner><name>${full}</name><uuid>00000000-0000-4000-8000-${Buffer.from(tag + name)
        .toString('hex')
        .padStart(12, '0')
        .slice(-12)}</uuid></owner>
<portdev name='${port}'/><mac address='${station.mac}'/>
<filterref filter='${fence.filter}'><parameter name='IP' value='${station.ip}'/></filterref></filterbinding>`,
    );
    await virsh('nwfilter-binding-create', binding);
    undo.push(() => virsh('nwfilter-binding-delete', port));
    return { ...station, name: full, port };
  }

  const unfence = async (): Promise<void> => {
    for (const { port } of [a, b]) {
      await virsh('nwfilter-binding-delete', port);
      await run('bridge', ['link', 'set', 'dev', port, 'isolated', 'off']);
    }
    await isolation.remove(fence);
  };
  return { a, b, out, way, gateway, fence, unfence };
}

/** Whatever the network's rules say, nothing of the bridge goes anywhere but to the test's own outside. */
async function onlyTo(way: string, bridge: string): Promise<void> {
  const table = `wht_${tag}_only`;
  const rules = `table inet ${table} {
  chain only {
    type filter hook forward priority raw; policy accept;
    iifname "${bridge}" oifname != { "${way}", "${bridge}" } drop
  }
}
`;
  const file = path.join(dir, 'only.nft');
  writeFileSync(file, rules);
  await run('nft', ['-f', file]);
  undo.push(() => run('nft', ['delete', 'table', 'inet', table]));
}

type Lab = Awaited<ReturnType<typeof lab>>;

/** What each TCP connection from inside A comes to. */
async function connections({ a, b, gateway }: Lab): Promise<Record<string, string>> {
  const { port } = service.address() as AddressInfo;
  // an address that the machine had before
  const own = Object.entries(networkInterfaces())
    .filter(([name]) => !name.startsWith('wht') && name !== 'lo')
    .flatMap(([, addresses = []]) => addresses)
    .find(({ family }) => family === 'IPv4')?.address;
  const targets: Record<string, string> = {
    outside: `${outside}:80`,
    'the office’s network': `${office}:80`,
    'what EGRESS_ALLOW names': `${named}:80`,
    'the cloud’s metadata': `${metadata}:80`,
    'service by the gateway': `${gateway.ip}:${port}`,
    'service by the outside': `${hostOutside}:${port}`,
    ...(own === undefined ? {} : { 'service by the machine’s own address': `${own}:${port}` }),
    'other VM': `${b.ip}:80`,
  };
  const { stdout } = await inside(a.name, probe.file, 'connect', '0', ...Object.values(targets));
  const found = new Map(stdout.split('\n').map((line) => line.split(/ (.*)/) as [string, string]));
  return Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, found.get(target) ?? '']));
}

/** UDP from A as its kernel never would send it, and what of it the outside hears. */
async function heardOutside({ a, b, out, gateway }: Lab): Promise<string[]> {
  const free = { mac: '52:54:00:5a:e0:3d', ip: a.ip.replace(/\d+$/, '61') };
  const send = (label: string, from: Station, ip: string): string => datagram(from, gateway.mac, ip, label);
  const frames = [
    send('honest', a, outside),
    send('to-office', a, office),
    send('to-named', a, named),
    send('to-metadata', a, metadata),
    send('as-nobody', { mac: a.mac, ip: free.ip }, outside),
    send('as-other', { mac: a.mac, ip: b.ip }, outside),
    send('as-host', { mac: a.mac, ip: gateway.ip }, outside),
    send('as-outsider', { mac: a.mac, ip: '203.0.113.66' }, outside),
    send('fake-mac', { mac: free.mac, ip: a.ip }, outside),
    send('to-group', a, '239.1.2.3'),
  ];
  const ear: Listener = await listen(['ip', 'netns', 'exec', out, probe.file, 'listen', 'eth0']);
  try {
    const file = path.join(dir, 'frames');
    writeFileSync(file, `${frames.join('\n')}\n`);
    await inside(a.name, 'sh', '-c', `${probe.file} send eth0 3 <${file}`);
    // what is under way comes before what the host itself says
    await until(20_000, 'the outside hears the host', async () => {
      await tellOutside('WHPROBE:end;');
      return ear.ended();
    });
    return [...ear.heard.keys()].sort();
  } finally {
    ear.stop();
  }
}

async function tellOutside(text: string): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.send(text, 9999, outside, resolve));
  socket.close();
}

it('EGRESS=open: public addresses by NAT, as oneself; not the host, private networks or other VMs', async () => {
  const { a, b, out, ...rest } = await lab('open');
  const here = { a, b, out, ...rest };
  const asked = await serve(out);
  await serve(b.name);
  const closed = 'nothing';
  // a way that was laid a moment ago, on a machine that has much to do
  await until(30_000, 'the way out is there', async () => (await connections(here)).outside === 'open');
  expect(await connections(here)).toMatchObject({
    outside: 'open',
    'the office’s network': closed,
    'what EGRESS_ALLOW names': 'open',
    'the cloud’s metadata': closed,
    'service by the gateway': closed,
    'service by the outside': closed,
    'service by the machine’s own address': closed,
    'other VM': closed,
  });
  await inside(
    a.name,
    'python3',
    '-c',
    `import urllib.request as r; r.urlopen('http://${outside}/', timeout=9)`,
  );
  expect(new Set(readFileSync(asked, 'utf8').trim().split('\n'))).toEqual(new Set([hostOutside]));
  expect(await heardOutside(here)).toEqual(['honest', 'to-named']);
  // nobody outside opens a connection to a VM
  await serve(a.name);
  expect((await inside(out, probe.file, 'connect', '0', `${a.ip}:80`)).stdout).not.toContain('open');
  // the same without the fences, as the test must be able to show
  await here.unfence();
  const reached = await connections(here);
  expect(new Set(Object.values(reached))).toEqual(new Set(['open']));
  expect(await heardOutside(here)).toEqual(
    expect.arrayContaining(['as-nobody', 'as-other', 'fake-mac', 'honest', 'to-metadata', 'to-office']),
  );
});

it('keeps one VM from filling the host’s table of connections; what it has, and what others open, is not touched', async () => {
  const here = await lab('open');
  const { a, b, out, gateway } = here;
  await serve(out);
  await until(30_000, 'the way out is there', async () => (await connections(here)).outside === 'open');
  const kept = await heldConnection(a);
  const ear: Listener = await listen(['ip', 'netns', 'exec', out, probe.file, 'listen', 'eth0']);
  try {
    const send = async (guest: Guest, labels: readonly string[]): Promise<void> => {
      const frames = labels.map((label, at) => datagram(guest, gateway.mac, outside, label, 10_000 + at));
      const file = path.join(dir, `frames-${guest.port}`);
      writeFileSync(file, `${frames.join('\n')}\n`);
      await inside(guest.name, 'sh', '-c', `${probe.file} send eth0 1 <${file}`);
    };
    const before = entries();
    await send(
      a,
      Array.from({ length: 2_000 }, (_, at) => `a${at}`),
    );
    await send(
      b,
      Array.from({ length: 50 }, (_, at) => `b${at}`),
    );
    await until(20_000, 'the outside hears the host', async () => {
      await tellOutside('WHPROBE:end;');
      return ear.ended();
    });
    const heardOf = (guest: string): number =>
      [...ear.heard.keys()].filter((each) => each.startsWith(guest)).length;
    expect(heardOf('a')).toBeLessThanOrEqual(connectionsOfOne);
    // as many as it may, less what it opened before
    expect(heardOf('a')).toBeGreaterThan(connectionsOfOne / 2);
    expect(heardOf('b')).toBe(50);
    // others of the machine open some, too
    expect(entries() - before).toBeLessThan(connectionsOfOne + 300);
    expect(await kept.says('GET / HTTP/1.0\r\n\r\n')).toContain('outside');
    expect((await inside(b.name, probe.file, 'connect', '0', `${outside}:80`)).stdout).toContain('open');
  } finally {
    ear.stop();
  }
});

/** Of the machine. */
const entries = (): number =>
  Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8').trim());

/** A TCP connection from a guest to the outside that was open before. */
async function heldConnection(guest: Guest): Promise<{ says(text: string): Promise<string> }> {
  const script = `import socket, sys
s = socket.create_connection(('${outside}', 80), 9)
print('open', flush=True)
s.sendall(sys.stdin.readline().encode().decode('unicode_escape').encode())
s.settimeout(9)
while True:
    part = s.recv(4096)
    if not part: break
    print(part.decode(), flush=True)`;
  const child = spawn('ip', ['netns', 'exec', guest.name, 'python3', '-c', script], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  children.push(child);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(15_000, 'it is open', () => Promise.resolve(said.includes('open')));
  return {
    says: async (text) => {
      child.stdin.end(`${JSON.stringify(text).slice(1, -1)}\n`);
      await new Promise((resolve) => child.once('close', resolve));
      return said;
    },
  };
}

it('EGRESS=none: nothing of it, not even the outside', async () => {
  const here = await lab('none');
  await serve(here.out);
  await serve(here.b.name);
  expect(new Set(Object.values(await connections(here)))).toEqual(new Set(['nothing']));
  expect(await heardOutside(here)).toEqual([]);
  await here.unfence();
  expect(await connections(here)).toMatchObject({ 'service by the gateway': 'open', 'other VM': 'open' });
});
