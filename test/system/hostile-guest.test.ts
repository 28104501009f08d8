/**
 * What a tenant with root in the VM does to what serves all: a guest agent that lies, a console that never ends, DHCP in
 * another's name, and the gateway's address long after the first minute. Each is shown from inside a real guest; every
 * other hosting goes on meanwhile.
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { virshAgent } from '../../engine/machine/libvirt/virsh-agent';
import { dhcpMessage, forgeries, question, type Station } from '../support/frames';
import { buildProbe, listen, type Listener } from '../support/probe';
import { openShell, type Shell } from '../support/shell';
import {
  type Account,
  type HostAnswer,
  pageStatusOf,
  startSystem,
  type System,
  until,
} from '../worlds/system';

jest.setTimeout(600_000);
const run = promisify(execFile);

interface Tenant extends Station {
  readonly account: Account;
  readonly vm: string;
  readonly shell: Shell;
  readonly tap: string;
}

let system: System;
let probe: { file: string; remove: () => void };
let a: Tenant;
let b: Tenant;
let gateway: Station;

beforeAll(async () => {
  probe = await buildProbe();
  system = await startSystem('micro', { REQUEST_WAIT_SECONDS: '380' });
  const { NETWORK_BRIDGE = '', NETWORK_CIDR = '' } = system.env;
  gateway = {
    mac: readFileSync(`/sys/class/net/${NETWORK_BRIDGE}/address`, 'utf8').trim(),
    ip: NETWORK_CIDR.replace(/\.0\/26$/, '.1'),
  };
  [a, b] = (await Promise.all([newTenant(), newTenant()])) as [Tenant, Tenant];
});
afterAll(async () => {
  for (const tenant of [a, b]) tenant?.shell.close();
  probe?.remove();
  await system?.close();
});

async function newTenant(): Promise<Tenant> {
  const account = await system.newAccount();
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  const made: HostAnswer = answer.body.data;
  const shell = openShell(made);
  await shell.upload(probe.file, '/tmp/probe');
  await shell.ssh('chmod 755 /tmp/probe');
  return {
    account,
    vm: made.hosting.vm_id,
    shell,
    ip: made.hosting.vm_ip,
    ...(await cardOf(made.hosting.vm_id)),
  };
}

/** Another tap after each start. */
async function cardOf(vm: string): Promise<Pick<Tenant, 'tap' | 'mac'>> {
  const [, tap = '', mac = ''] =
    /(vnet\d+).*\s([0-9a-f:]{17})/.exec(await system.virsh('domiflist', vm)) ?? [];
  return { tap, mac };
}

const served = async (tenant: Tenant): Promise<void> => {
  expect(await pageStatusOf(system, tenant.account)).toBe(200);
};

describe('a guest agent of the tenant’s own', () => {
  const agent = virshAgent('qemu:///system');
  const never = new AbortController().signal;
  const modes = ['never', 'late', 'wrong', 'garbage', 'megabytes', 'endless', 'flood'] as const;

  const connected = async (): Promise<boolean> =>
    /name='org\.qemu\.guest_agent\.0' state='connected'/.test(await system.virsh('dumpxml', a.vm));

  /** Takes the place of the real one, or of the last. */
  async function put(mode: (typeof modes)[number]): Promise<void> {
    await a.shell.ssh('sudo -n killall probe qemu-ga; true');
    await until(20_000, 'libvirt has seen the last one go', async () => !(await connected()));
    const start = `setsid /tmp/probe agent ${mode} </dev/null >/tmp/agent.out 2>&1 &`;
    await a.shell.ssh(`sudo -n rm -f /tmp/agent.out; sudo -n sh -c '${start}' >/dev/null 2>&1`);
    // one that floods is hung up on at once
    await until(20_000, `it is ${mode}`, async () =>
      mode === 'flood' ? (await a.shell.ssh('cat /tmp/agent.out || true')).includes('ready') : connected(),
    );
  }
  beforeAll(() => a.shell.ssh('sudo -n mv /bin/qemu-ga /bin/qemu-ga.away'));
  afterAll(() => a.shell.ssh('sudo -n mv /bin/qemu-ga.away /bin/qemu-ga; sudo -n killall probe; true'));

  it.each(modes)(
    'that is %s is given up in time, with a word, and without its words in memory',
    async (mode) => {
      await put(mode);
      const begun = performance.now();
      const heap = process.memoryUsage().rss;
      const outcome = await agent
        .run(a.vm, 'echo done', { signal: never, timeoutMs: 6_000 })
        .catch((error: unknown) => error);
      expect((outcome as { code?: string }).code).toBe('guest_unreachable');
      expect(performance.now() - begun).toBeLessThan(13_000);
      expect(process.memoryUsage().rss - heap).toBeLessThan(96 * 1024 ** 2);
      await served(b);
    },
  );

  it.each(['never', 'megabytes', 'flood', 'wrong'] as const)(
    'that is %s keeps nobody from falling asleep and waking, nor others from anything',
    async (mode) => {
      await put(mode);
      await resetPeak(system.pid());
      await system.webhoster('sleep', a.vm, '--force');
      const begun = performance.now();
      const [woken] = await Promise.all([
        system.call('POST', '/host/my/wake', { token: a.account.token }),
        served(b),
        system.webhoster('backup', path.join(system.env.DATA_DIR ?? '', `${mode}.backup`)),
      ]);
      expect([woken.status, woken.body.data.operation.status]).toEqual([200, 'succeeded']);
      expect(performance.now() - begun).toBeLessThan(60_000);
      expect(peakMiB(system.pid())).toBeLessThan(400);
      await served(a);
      expect((await system.tryWebhoster(['plan', a.vm])).code).toBe(0);
    },
  );
});

/** The kernel counts a process's peak anew. */
async function resetPeak(pid: number): Promise<void> {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  await Promise.resolve();
}

function peakMiB(pid: number): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

describe('a console that never ends', () => {
  const logDir = '/var/log/libvirt/qemu';
  const logged = (): number =>
    readdirSync(logDir)
      .filter((name) => name.startsWith(a.vm))
      .reduce((sum, name) => sum + statSync(path.join(logDir, name)).size, 0);
  const qemu = (): number => Number(readFileSync(`/run/libvirt/qemu/${a.vm}.pid`, 'utf8'));

  it('writes nothing to the machine’s disk and fills no memory, and the VM serves on', async () => {
    // nobody keeps what it says: a log of it would have to be bounded
    expect(await system.virsh('dumpxml', a.vm)).not.toMatch(/<log file=/);
    const before = logged();
    await resetPeak(qemu());
    const start = peakMiB(qemu());
    const flood = `for to in /dev/ttyS0 /dev/console; do timeout 8 sh -c "yes 0123456789abcdef >$to" & done;
      timeout 8 sh -c "while :; do echo '<0>flood' >/dev/kmsg; done"; wait`;
    await a.shell.feed('sudo -n sh', flood);
    expect(logged() - before).toBeLessThan(64 * 1024);
    expect(peakMiB(qemu()) - start).toBeLessThan(64);
    await served(a);
    await served(b);
  });
});

describe('DHCP', () => {
  const send = (frames: readonly string[], times = 1): Promise<unknown> =>
    a.shell.feed(`sudo -n /tmp/probe send eth0 ${times}`, `${frames.join('\n')}\n`);
  const leases = async (): Promise<string> => system.virsh('net-dhcp-leases', system.env.NETWORK_NAME ?? '');
  /** As at its next start: an address, or none. */
  const asks = (tenant: Tenant): Promise<string> =>
    tenant.shell.ssh('sudo -n udhcpc -f -n -q -t 3 -T 2 -i eth0 -s /bin/true 2>&1 || true');
  const others = (): Station[] =>
    Array.from({ length: 40 }, (_, at) => {
      const last = 20 + at;
      const mac = `${b.mac.slice(0, -2)}${last.toString(16).padStart(2, '0')}`;
      return { ip: gateway.ip.replace(/\.1$/, `.${last}`), mac };
    });

  it('refuses nobody’s address in another’s name: the other gets its own at its next start', async () => {
    expect(await asks(b)).toContain(`lease of ${b.ip} obtained`);
    await send([dhcpMessage(a, b, 'decline', { server: gateway.ip, wanted: b.ip })], 3);
    expect(await asks(b)).toContain(`lease of ${b.ip} obtained`);
  });

  it('gives a VM neither another’s address nor forty', async () => {
    const before = await leases();
    for (const { mac } of [a, b]) expect(before).toContain(mac);
    await send([dhcpMessage(a, a, 'request', { server: gateway.ip, wanted: b.ip })], 3);
    await send(
      others().flatMap((client, transaction) => [
        dhcpMessage(a, client, 'discover', { transaction }),
        dhcpMessage(a, client, 'request', { server: gateway.ip, wanted: client.ip, transaction }),
      ]),
    );
    // what came before it was answered by now
    expect(await asks(b)).toContain(`lease of ${b.ip} obtained`);
    // A's own is its own to lose
    const after = (await leases()).split('\n').filter((line) => line.includes(':'));
    const own = ({ mac, ip }: Tenant): RegExp => new RegExp(`\\s${mac}\\s+ipv4\\s+${ip}/`);
    expect(after.filter((line) => own(b).test(line))).toHaveLength(1);
    expect(after.filter((line) => !own(a).test(line) && !own(b).test(line))).toEqual([]);
  });

  it('hears a VM that asks a thousand times now and then, and the others as ever', async () => {
    const table = `webhoster_${system.env.NETWORK_BRIDGE ?? ''}`;
    const dropped = async (): Promise<number> => {
      const { stdout } = await run('nft', ['list', 'table', 'inet', table]);
      const [, packets] = /@dhcp_clients .* counter packets (\d+)/.exec(stdout) ?? [];
      return Number(packets);
    };
    const before = await dropped();
    const question = dhcpMessage(a, a, 'discover');
    await send(
      Array.from({ length: 10 }, () => question),
      100,
    );
    expect((await dropped()) - before).toBeGreaterThan(900);
    expect(await asks(b)).toContain(`lease of ${b.ip} obtained`);
  });
});

describe('long after the first minute', () => {
  it('nobody hears A as the gateway, as a router or as a server of addresses; nor after it has slept', async () => {
    await until(90_000, 'its first minute is over', async () =>
      Promise.resolve(Number((await a.shell.ssh('cat /proc/uptime')).split('.')[0]) > 60),
    );
    a = { ...a, ...(await cardOf(a.vm)) };
    expect(await heardOf(a)).toEqual({ host: ['question'], cableOfB: [], insideB: [] });
    await system.webhoster('sleep', a.vm, '--force');
    expect((await system.call('POST', '/host/my/wake', { token: a.account.token })).status).toBe(200);
    a = { ...a, ...(await cardOf(a.vm)) };
    expect(await heardOf(a)).toEqual({ host: ['question'], cableOfB: [], insideB: [] });
  });

  async function heardOf(from: Tenant): Promise<Record<string, string[]>> {
    const listeners: Listener[] = [];
    const on = async (...argv: string[]): Promise<Listener> => {
      const listener = await listen(argv);
      listeners.push(listener);
      return listener;
    };
    const labels = [
      'arp-as-gateway',
      'arp-as-gateway-to-other',
      'ipv6-advertisement',
      'dhcpv6-advertise',
      'dhcp-offer',
    ];
    const free = { mac: '52:54:00:ff:ff:3d', ip: gateway.ip.replace(/\.1$/, '.61') };
    const frames = forgeries(from, b, gateway, free).filter(({ label }) => labels.includes(label));
    expect(frames).toHaveLength(labels.length);
    try {
      const cable = await on(probe.file, 'listen', from.tap);
      const host = await on(probe.file, 'listen', system.env.NETWORK_BRIDGE ?? '');
      const cableOfB = await on(probe.file, 'listen', b.tap);
      const insideB = await on(...b.shell.argv('sudo -n /tmp/probe listen eth0'));
      const hex = [...frames.map((each) => each.hex), question(from, gateway)].join('\n');
      await from.shell.feed('sudo -n /tmp/probe send eth0 3', `${hex}\n`);
      await until(30_000, 'all frames have left A', () =>
        Promise.resolve([...labels, 'question'].every((label) => (cable.heard.get(label) ?? 0) >= 3)),
      );
      await until(30_000, 'B hears the host', async () => {
        await tell(b.ip, 'WHPROBE:end;');
        return [host, cableOfB, insideB].every((each) => each.ended());
      });
      const heard = ({ heard: counts }: Listener): string[] => [...counts.keys()];
      return { host: heard(host), cableOfB: heard(cableOfB), insideB: heard(insideB) };
    } finally {
      for (const each of listeners) each.stop();
    }
  }

  async function tell(ip: string, text: string): Promise<void> {
    const socket = createSocket('udp4');
    await new Promise((resolve) => socket.send(text, 9999, ip, resolve));
    socket.close();
  }
});

it('makes a spare anew whose agent has gone silent, and says so; its user waits no longer than for a boot', async () => {
  await system.restart({ WARM_POOL_SIZE: '1', WARM_POOL_MIN_FREE_MIB: '0' });
  const spares = (): Promise<{ vm: string }[]> =>
    system.query(`SELECT vm_name AS vm FROM hostings WHERE user_id IS NULL AND status = 'spare'`);
  await until(200_000, 'a spare waits', async () => (await spares()).length === 1);
  const [{ vm } = { vm: '' }] = await spares();
  // by the agent itself, and after it has answered: it hears everything from now on and says nothing
  const silence = `port=/dev/$(basename $(dirname $(grep -l org.qemu.guest_agent.0 /sys/class/virtio-ports/*/name)))
mv /bin/qemu-ga /bin/qemu-ga.away
(usleep 300000; killall qemu-ga; while :; do cat <$port >/dev/null; usleep 50000; done) >/dev/null 2>&1 </dev/null &`;
  const signal = new AbortController().signal;
  await virshAgent('qemu:///system').run(vm, silence, { signal, timeoutMs: 10_000 });
  await until(60_000, 'it is silent', () =>
    virshAgent('qemu:///system')
      .run(vm, 'true', { signal, timeoutMs: 2_000 })
      .then(
        () => false,
        () => true,
      ),
  );
  const account = await system.newAccount();
  const begun = performance.now();
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect([answer.status, answer.body.data.hosting.vm_id]).toEqual([201, vm]);
  expect(performance.now() - begun).toBeLessThan(150_000);
  const events = await system.query<{ message: string }>(
    `SELECT message FROM operation_events WHERE operation_id = '${answer.body.data.operation.id}'`,
  );
  expect(events.map(({ message }) => message).join('\n')).toContain('did not answer; creating a new VM');
  expect(await pageStatusOf(system, account)).toBe(200);
  await served(b);
});
