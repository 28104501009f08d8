import fs from 'node:fs/promises';
import type { ComponentHealth } from '../../../../engine/model/metrics';
import type { Engine } from '../../../../engine/engine';
import { EngineError } from '../../../../engine/base/errors';
import { health } from '../../../../engine/monitoring/health';
import type { NodeState } from '../../../../engine/machine/host/node-care';
import type { Parts } from '../../../../engine/durable';
import { FakeHost } from '../../../fakes/fake-host';

const host = new FakeHost();
const query = jest.fn<Promise<unknown[]>, [string]>();
let version: jest.Mock<Promise<string>, []>;
let queue: { working: boolean };
let troubles: { trouble: string; count: number }[];

function open({ ROLE = 'all', redis = null as unknown } = {}): Engine['health'] {
  return health({
    config: {
      DATA_DIR: '/tmp',
      POOL_DIR: '/pool',
      NETWORK_NAME: 'n',
      NETWORK_BRIDGE: 'b',
      ROLE,
      POOL_MIN_FREE_MIB: 2048,
    },
    redis,
    database: { direct: { query } },
    inventory: host.inventory,
    nodeCare: host.nodeCare,
    proxy: host.proxy,
    queue,
    terraform: { ...host.terraform, version },
  } as unknown as Parts);
}

const look = { name: 'sweep', seconds: 1, intervalSeconds: 5, found: null, failure: null };

async function part(name: ComponentHealth['name'], engine = open()): Promise<ComponentHealth> {
  const found = (await engine.detailed()).find((each) => each.name === name);
  if (found === undefined) throw new Error(`no part ${name}`);
  return found;
}

beforeEach(() => {
  query.mockImplementation((text) =>
    Promise.resolve(
      text.includes('version()')
        ? [{ version: 'PostgreSQL 18.0' }]
        : text.includes('GROUP BY trouble')
          ? troubles
          : text.includes('worker_reports')
            ? [{ worker: 'a', looks: [look], ageSeconds: 1 }]
            : [{ waiting: '2' }],
    ),
  );
  version = jest.fn(() => Promise.resolve('Terraform 1.11.4'));
  queue = { working: true };
  troubles = [];
  host.node.state = {};
  host.serving = true;
  host.faults.clear();
});
afterEach(() => jest.useRealTimers());

const down = new EngineError('libvirt_unavailable', 'libvirt does not answer', {
  cause: new Error('/run/secret'),
});

describe('health', () => {
  it('tells of every part what it is and how long it took to answer', async () => {
    const parts = await open().detailed();
    expect(parts.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'postgres ok',
      'queue ok',
      'reconcilers ok',
      'libvirt ok',
      'network ok',
      'vms ok',
      'nginx ok',
      'terraform ok',
      'disk ok',
    ]);
    expect(parts.map(({ detail }) => detail)).toEqual([
      'PostgreSQL 18.0',
      '2 waiting; served by this process',
      '1 look regularly',
      'libvirt 0.0.0-fake',
      'up',
      'all VMs that should be running are',
      'nginx 0.0.0-fake',
      'Terraform 1.11.4',
      expect.stringMatching(/^\d+\.\d GiB free in DATA_DIR, 100\.0 GiB in POOL_DIR$/),
    ]);
    for (const { latencyMs } of parts) expect(latencyMs).toBeGreaterThanOrEqual(0);
  });

  it('names SSH ports that another program holds: one user is kept out, and nobody else', async () => {
    host.heldPorts = [{ port: 10_001, holder: 'python3 (process 12)' }];
    const { status, detail } = await part('nginx');
    host.heldPorts = [];
    expect(status).toBe('degraded');
    expect(detail).toContain(
      'nginx 0.0.0-fake; SSH ports held by other programs, and so not served: 10001 by python3',
    );
  });

  it.each<[ComponentHealth['name'], ComponentHealth['status'], Partial<NodeState>]>([
    ['network', 'down', { network: 'inactive' }],
    ['network', 'degraded', { dhcp: false }],
    ['network', 'degraded', { rules: false }],
    ['network', 'degraded', { overlaps: ['10.90.0.0/24 dev tun0'] }],
    ['libvirt', 'degraded', { logDaemon: false }],
    ['libvirt', 'degraded', { kvm: 'closed' }],
    ['disk', 'degraded', { poolFreeBytes: 0 }],
    ['disk', 'degraded', { poolFreeBytes: 2 * 1024 ** 3 - 1 }],
    ['disk', 'degraded', { readOnly: ['/var/lib/libvirt'] }],
  ])('names the part where something lacks: %s is %s', async (name, status, state) => {
    host.node.state = state;
    const found = await part(name);
    expect(found).toMatchObject({ status, detail: expect.stringContaining('webhoster doctor') });
    expect(found.detail).not.toMatch(/\/var|\/pool/);
    for (const other of await open().detailed())
      expect([other.name, other.status]).toEqual([other.name, other.name === name ? status : 'ok']);
  });

  it('tells of VMs that should run and do not, and takes one that is off for its user’s own doing', async () => {
    troubles = [{ trouble: 'off', count: 2 }];
    expect(await part('vms')).toMatchObject({ status: 'ok', detail: 'VMs that should be running: 2 off' });
    troubles = [{ trouble: 'paused', count: 1 }];
    expect(await part('vms')).toMatchObject({ status: 'degraded' });
  });

  it('tells whether this process takes jobs', async () => {
    queue.working = false;
    expect((await part('queue')).detail).toBe('2 waiting; served by another process');
  });

  it('calls a part that fails down, with what to do and without what went wrong inside', async () => {
    host.faults.fail('inventory', down);
    expect(await part('libvirt')).toMatchObject({
      status: 'down',
      detail: 'start libvirtd or correct LIBVIRT_URI',
    });
  });

  it('leaves the other parts as they are when one is down', async () => {
    host.faults.fail('inventory', down);
    const parts = await open().detailed();
    expect(parts.filter(({ status }) => status !== 'ok').map(({ name }) => name)).toEqual(['libvirt']);
  });

  it('calls a part down that does not answer in 5 s, and waits for none longer', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    version.mockReturnValue(new Promise(() => undefined));
    // real input and output takes no notice of fake timers
    jest.spyOn(fs, 'statfs').mockResolvedValue({ bavail: 2 ** 20, bsize: 4096 } as never);
    const answer = open().detailed();
    await jest.advanceTimersByTimeAsync(4_900);
    expect(await Promise.race([answer, Promise.resolve('not yet')])).toBe('not yet');
    await jest.advanceTimersByTimeAsync(200);
    const parts = await answer;
    expect(parts.find(({ name }) => name === 'terraform')).toMatchObject({
      status: 'down',
      detail: 'install Terraform or correct TERRAFORM_BIN',
    });
    expect(parts.filter(({ status }) => status === 'ok')).toHaveLength(8);
  });

  it('calls a nearly full disk down', async () => {
    jest.spyOn(fs, 'statfs').mockResolvedValue({ bavail: 1024, bsize: 1024 ** 2 } as never);
    expect(await part('disk')).toMatchObject({
      status: 'down',
      detail: '1.0 GiB free in DATA_DIR: free up space',
    });
  });

  describe('of an API that has no libvirt, Nginx or Terraform beside it', () => {
    const reported: ComponentHealth[] = [
      { name: 'libvirt', status: 'ok', latencyMs: 3, detail: 'libvirt 9.0.0' },
      { name: 'nginx', status: 'down', latencyMs: 7, detail: 'restart the service' },
      { name: 'terraform', status: 'ok', latencyMs: 1, detail: 'Terraform 1.11.4' },
      { name: 'disk', status: 'ok', latencyMs: 0, detail: '9.0 GiB free' },
    ];
    const remote = (rows: () => Promise<unknown[]>): Engine['health'] => {
      query.mockImplementation((text) =>
        text.includes('worker_reports')
          ? rows()
          : Promise.resolve([{ version: 'PostgreSQL 18.0', waiting: '0' }]),
      );
      return open({ ROLE: 'api' });
    };

    it('is what the worker says that spoke last', async () => {
      const older = { worker: 'b', components: [{ ...reported[0], status: 'down' }] };
      const rows = [{ worker: 'a', components: reported }, older];
      const parts = await remote(() => Promise.resolve(rows)).detailed();
      expect(parts.slice(3)).toEqual(reported);
      expect(version).not.toHaveBeenCalled();
    });

    it.each([
      ['no worker speaks', () => Promise.resolve([])],
      ['the database is away', () => Promise.reject(new Error('ECONNREFUSED'))],
    ])('is down when %s', async (_, rows) => {
      const parts = await remote(rows).detailed();
      expect(parts.slice(3).map(({ name, status }) => `${name} ${status}`)).toEqual(
        ['libvirt', 'network', 'vms', 'nginx', 'terraform', 'disk'].map((name) => `${name} down`),
      );
    });
  });

  it('calls Redis degraded when it is away, and names it only where there is one', async () => {
    const redis = { info: jest.fn(() => Promise.resolve('# Server\r\nredis_version:7.0.15\r\n')) };
    expect(await part('redis', open({ redis }))).toMatchObject({ status: 'ok', detail: 'Redis 7.0.15' });
    redis.info.mockRejectedValue(new Error('connect ECONNREFUSED'));
    expect(await part('redis', open({ redis }))).toMatchObject({ status: 'degraded' });
    await expect(part('redis')).rejects.toThrow('no part redis');
  });

  it('can take requests exactly while Postgres answers', async () => {
    expect(await open().basic()).toBe(true);
    query.mockRejectedValue(new Error('connect ECONNREFUSED'));
    expect(await open().basic()).toBe(false);
    expect(await part('postgres')).toMatchObject({
      status: 'down',
      detail: 'start PostgreSQL or correct DATABASE_URL',
    });
  });
});
