/**
 * Two tenants with root in their guests, one VM made for its user, the other claimed from the warm pool: what A sends
 * to B, to the host and to the service is counted where it would arrive. The same frames and connections get through
 * once the fences are taken away, which shows that they were worth counting. All of it stays on a network without a
 * way out.
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Forgery, forgeries, question, type Station } from '../support/frames';
import { buildProbe, listen, type Listener } from '../support/probe';
import { openShell, type Shell } from '../support/shell';
import { claimedSpare } from '../support/spares';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';

jest.setTimeout(600_000);
const run = promisify(execFile);
const forwarding = '/proc/sys/net/ipv4/ip_forward';
/** Of each frame. */
const times = 3;

interface Tenant extends Station {
  readonly account: Account;
  readonly made: HostAnswer;
  readonly shell: Shell;
  /** The host's end of its cable, e.g. `vnet7`. */
  readonly tap: string;
}

let system: System;
let probe: { file: string; remove: () => void };
let forwarded: string;
let tenants: Tenant[] = [];
let a: Tenant;
let b: Tenant;
let gateway: Station;

beforeAll(async () => {
  // a machine that forwards, as one with EGRESS=open does: else nothing could go from VM to VM by way of it
  forwarded = readFileSync(forwarding, 'utf8');
  writeFileSync(forwarding, '1');
  probe = await buildProbe();
  system = await startSystem('micro', { API_HOST: '0.0.0.0', REQUEST_WAIT_SECONDS: '380' });
  const { NETWORK_BRIDGE = '', NETWORK_CIDR = '' } = system.env;
  gateway = {
    mac: readFileSync(`/sys/class/net/${NETWORK_BRIDGE}/address`, 'utf8').trim(),
    ip: NETWORK_CIDR.replace(/\.0\/26$/, '.1'),
  };
  tenants = await claimedSpare(system, () => Promise.all([newTenant(), newTenant()]));
});
afterAll(async () => {
  for (const { shell } of tenants) shell.close();
  probe?.remove();
  writeFileSync(forwarding, forwarded);
  await system?.close();
});

async function newTenant(): Promise<Tenant> {
  const account = await system.newAccount();
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  const made = answer.body.data;
  const shell = openShell(made);
  await shell.upload(probe.file, '/tmp/probe');
  await shell.ssh('chmod 755 /tmp/probe');
  const [, tap = '', mac = ''] =
    /(vnet\d+).*\s([0-9a-f:]{17})/.exec(await system.virsh('domiflist', made.hosting.vm_id)) ?? [];
  return { account, made, shell, tap, mac, ip: made.hosting.vm_ip };
}

type Counts = Record<string, number>;
interface Delivered {
  /** At the host's end of A's cable: what really left the guest. */
  readonly sent: Counts;
  readonly host: Counts;
  readonly cableOfB: Counts;
  readonly insideB: Counts;
}

/** Sends every forgery from inside A, and what is allowed, and counts what arrives. */
async function deliver(frames: readonly Forgery[]): Promise<Delivered> {
  const listeners: Listener[] = [];
  const on = async (...argv: string[]): Promise<Listener> => {
    const listener = await listen(argv);
    listeners.push(listener);
    return listener;
  };
  try {
    const cableOfA = await on(probe.file, 'listen', a.tap);
    const host = await on(probe.file, 'listen', system.env.NETWORK_BRIDGE ?? '');
    const cableOfB = await on(probe.file, 'listen', b.tap);
    const insideB = await on(...b.shell.argv('sudo -n /tmp/probe listen eth0'));
    const hex = [...frames.map((each) => each.hex), question(a, gateway)].join('\n');
    await a.shell.feed(`sudo -n /tmp/probe send eth0 ${times}`, `${hex}\n`);
    await until(30_000, 'all frames have left A', () =>
      Promise.resolve(
        [...frames.map(({ label }) => label), 'question'].every(
          (label) => (cableOfA.heard.get(label) ?? 0) >= times,
        ),
      ),
    );
    const ends = [host, cableOfB, insideB];
    // what is under way comes before it
    await until(30_000, 'B hears the host', async () => {
      await tellB('WHPROBE:end;');
      return ends.every((each) => each.ended());
    });
    const counts = ({ heard }: Listener): Counts => Object.fromEntries(heard);
    return {
      sent: counts(cableOfA),
      host: counts(host),
      cableOfB: counts(cableOfB),
      insideB: counts(insideB),
    };
  } finally {
    for (const each of listeners) each.stop();
  }
}

async function tellB(text: string): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise((resolve) => socket.send(text, 9999, b.ip, resolve));
  socket.close();
}

/** What the forged frames would have host, bridge and B believe of each other would also silence the listeners. */
async function pinB(): Promise<void> {
  const bridge = system.env.NETWORK_BRIDGE ?? '';
  await run('ip', ['neigh', 'replace', b.ip, 'lladdr', b.mac, 'dev', bridge, 'nud', 'permanent']);
  await run('bridge', ['fdb', 'replace', b.mac, 'dev', b.tap, 'master', 'static', 'sticky']);
  await b.shell.ssh(`sudo -n arp -s ${gateway.ip} ${gateway.mac}`);
}

const freeStation = (): Station => ({ mac: '52:54:00:ff:ff:3d', ip: gateway.ip.replace(/\.1$/, '.61') });
const all = (): Forgery[] => forgeries(a, b, gateway, freeStation());

/** What each TCP connection from inside A comes to. */
async function connections(sourcePort = 0): Promise<Record<string, string>> {
  const { API_PORT, HTTP_PORT, POSTGRES_PORT } = system.env;
  const host = gateway.ip;
  const targets: [string, string][] = [
    ['API', `${host}:${API_PORT ?? ''}`],
    ['Nginx', `${host}:${HTTP_PORT ?? ''}`],
    ['SSH port of B', `${host}:${b.made.hosting.ssh_port}`],
    ['PostgreSQL', `${host}:${POSTGRES_PORT ?? ''}`],
    ['Redis', `${host}:6379`],
    ['libvirt', `${host}:16509`],
    ['SSH', `${host}:22`],
    ['page of B', `${b.ip}:80`],
    ['SSH of B', `${b.ip}:22`],
  ];
  const wanted = targets.map(([, target]) => target).join(' ');
  const lines = await a.shell.ssh(`sudo -n /tmp/probe connect ${sourcePort} ${wanted}`);
  const found = new Map(lines.split('\n').map((line) => line.split(/ (.*)/) as [string, string]));
  return Object.fromEntries(targets.map(([name, target]) => [name, found.get(target) ?? '']));
}

const nothing = {
  ...{
    API: 'nothing',
    Nginx: 'nothing',
    'SSH port of B': 'nothing',
    PostgreSQL: 'nothing',
    Redis: 'nothing',
  },
  ...{ libvirt: 'nothing', SSH: 'nothing', 'page of B': 'nothing', 'SSH of B': 'nothing' },
};

/** B by way of the host instead of the cable. */
const routeByHost = () => a.shell.ssh(`sudo -n ip route replace ${b.ip}/32 via ${gateway.ip}`);

async function withoutFilter(tenant: Tenant): Promise<void> {
  const xml = await system.virsh('dumpxml', tenant.made.hosting.vm_id);
  const port = /<interface[\s\S]*?<\/interface>/.exec(xml)?.[0] ?? '';
  expect(port).toContain('<filterref');
  const file = path.join(system.env.DATA_DIR ?? '', `${tenant.tap}.xml`);
  writeFileSync(file, port.replace(/<filterref[\s\S]*?<\/filterref>/, ''));
  await system.virsh('update-device', tenant.made.hosting.vm_id, file, '--live');
}

async function withFilter(tenant: Tenant): Promise<void> {
  const xml = await system.virsh('dumpxml', '--inactive', tenant.made.hosting.vm_id);
  const filter = /<filterref[\s\S]*?<\/filterref>/.exec(xml)?.[0] ?? '';
  const file = path.join(system.env.DATA_DIR ?? '', `${tenant.tap}.xml`);
  writeFileSync(file, readFileSync(file, 'utf8').replace('<source ', `${filter}<source `));
  await system.virsh('update-device', tenant.made.hosting.vm_id, file, '--live');
}

function isolated(tenant: Tenant, value: '0' | '1'): void {
  writeFileSync(`/sys/class/net/${tenant.tap}/brport/isolated`, value);
}

const hostTable = () => `webhoster_${system.env.NETWORK_BRIDGE ?? ''}`;
const hostTables = () => run('nft', ['list', 'tables']).then(({ stdout }) => stdout);
const removeHostRules = () => run('nft', ['delete', 'table', 'inet', hostTable()]);

describe.each([
  ['a VM that waited in the pool', 'one made for its user', true],
  ['a VM made for its user', 'one that waited in the pool', false],
])('%s against %s', (_a, _b, aWaited) => {
  beforeAll(() => {
    const made = (kind: string): Tenant => tenants.find((each) => each.made.operation.kind === kind)!;
    [a, b] = aWaited
      ? [made('claim-spare'), made('create-hosting')]
      : [made('create-hosting'), made('claim-spare')];
  });
  afterAll(() => a.shell.ssh(`sudo -n ip route del ${b.ip}/32`));

  it('delivers nothing that A may not send: not to the host, not on the cable of B, not inside B', async () => {
    const { sent, ...arrived } = await deliver(all());
    expect(Object.keys(sent)).toEqual(expect.arrayContaining(all().map(({ label }) => label)));
    expect(arrived).toEqual({ host: { question: times }, cableOfB: {}, insideB: {} });
  });

  it('lets A reach no service of the host and no port of B, from any source port', async () => {
    await routeByHost();
    expect(await connections()).toEqual(nothing);
    expect(await connections(443)).toEqual(nothing);
  });

  it('leaves A its name server, its page and its SSH', async () => {
    expect(await a.shell.ssh(`nslookup x.vms.internal ${gateway.ip} 2>&1 || true`)).toMatch(
      /NXDOMAIN|can't find/,
    );
    expect(await (await fetch(`${system.web}/${a.account.userId}`)).text()).toContain(a.made.hosting.vm_id);
  });

  it('puts the host’s rules back within seconds when somebody flushes them', async () => {
    await removeHostRules();
    await until(40_000, 'the rules are back', async () => (await hostTables()).includes(hostTable()));
  });

  describe('with the service stopped, so that nobody puts anything back', () => {
    beforeAll(async () => {
      await system.stop();
      await routeByHost();
      await pinB();
    });
    afterAll(async () => {
      await withFilter(a);
      await withFilter(b);
      isolated(a, '1');
      isolated(b, '1');
      await system.restart();
    });

    it('holds by the filter alone', async () => {
      const rules = (await run('nft', ['list', 'table', 'inet', hostTable()])).stdout;
      await removeHostRules();
      try {
        const { host, cableOfB, insideB } = await deliver(all());
        expect({ host, cableOfB, insideB }).toEqual({ host: { question: times }, cableOfB: {}, insideB: {} });
        expect(await connections()).toEqual({ ...nothing });
      } finally {
        writeFileSync(path.join(system.env.DATA_DIR ?? '', 'rules'), rules);
        await run('nft', ['-f', path.join(system.env.DATA_DIR ?? '', 'rules')]);
      }
    });

    it('keeps host and B out of reach by the host’s rules alone', async () => {
      await withoutFilter(a);
      await withoutFilter(b);
      expect(await connections()).toEqual({ ...nothing });
      expect(await connections(443)).toEqual({ ...nothing });
      const { cableOfB, insideB } = await deliver(all());
      // forged frames reach the host's end of the cable, and no further
      expect({ cableOfB, insideB }).toEqual({ cableOfB: {}, insideB: {} });
    });

    it('delivers all of it without them, as the test must be able to show', async () => {
      isolated(a, '0');
      isolated(b, '0');
      await removeHostRules();
      const frames = all();
      const { host, cableOfB, insideB } = await deliver(frames);
      const labels = (...reaches: Forgery['reaches'][]): string[] =>
        frames.filter((each) => reaches.includes(each.reaches)).map(({ label }) => label);
      expect(Object.keys(host)).toEqual(expect.arrayContaining(labels('host', 'both')));
      expect(Object.keys(cableOfB)).toEqual(expect.arrayContaining(labels('other', 'both')));
      expect(Object.keys(insideB)).toEqual(expect.arrayContaining(labels('other', 'both')));
      const reached = await connections();
      expect(reached).toMatchObject({
        ...{ Nginx: 'open', 'SSH port of B': 'open', 'page of B': 'open', 'SSH of B': 'open' },
        // closed, and told so by the host
        ...{ API: 'refused', PostgreSQL: 'refused', libvirt: 'refused' },
      });
    });
  });
});

it('takes filter bindings and rules of a VM away with it, and leaves the other’s', async () => {
  const rules = async (): Promise<string> =>
    (await Promise.all([run('ebtables-save'), run('iptables-save'), run('nft', ['list', 'ruleset'])]))
      .map(({ stdout }) => stdout)
      .join('\n');
  const named = (tenant: Tenant) => new RegExp(`\\b${tenant.tap}\\b`);
  expect(await rules()).toMatch(named(a));
  expect((await system.call('DELETE', '/host/my', { token: a.account.token })).status).toBe(200);
  expect(await rules()).not.toMatch(named(a));
  expect(await rules()).toMatch(named(b));
  expect(readdirSync('/sys/class/net')).not.toContain(a.tap);
  expect((await system.call('DELETE', '/host/my', { token: b.account.token })).status).toBe(200);
});
