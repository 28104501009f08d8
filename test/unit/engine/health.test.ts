import fs from 'node:fs/promises';
import type { ComponentHealth, Engine } from '../../../engine/engine';
import { EngineError } from '../../../engine/errors';
import { health } from '../../../engine/health';
import type { Parts } from '../../../engine/parts';
import { FakeHost } from '../../fakes/fake-host';

const host = new FakeHost();
const query = jest.fn<Promise<unknown[]>, [string]>();
let version: jest.Mock<Promise<string>, []>;
let queue: { working: boolean };

function open(): Engine['health'] {
  return health({
    config: { DATA_DIR: '/tmp' },
    database: { direct: { query } },
    inventory: host.inventory,
    proxy: host.proxy,
    queue,
    terraform: { ...host.terraform, version },
  } as unknown as Parts);
}

async function part(name: ComponentHealth['name'], engine = open()): Promise<ComponentHealth> {
  const found = (await engine.detailed()).find((each) => each.name === name);
  if (found === undefined) throw new Error(`no part ${name}`);
  return found;
}

beforeEach(() => {
  query.mockImplementation((text) =>
    Promise.resolve(text.includes('version()') ? [{ version: 'PostgreSQL 18.0' }] : [{ waiting: '2' }]),
  );
  version = jest.fn(() => Promise.resolve('Terraform 1.11.4'));
  queue = { working: true };
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
      'libvirt ok',
      'nginx ok',
      'terraform ok',
      'disk ok',
    ]);
    expect(parts.map(({ detail }) => detail)).toEqual([
      'PostgreSQL 18.0',
      '2 waiting; this process works',
      'libvirt 0.0.0-fake',
      'nginx 0.0.0-fake',
      'Terraform 1.11.4',
      expect.stringMatching(/^\d+\.\d GiB free$/),
    ]);
    for (const { latencyMs } of parts) expect(latencyMs).toBeGreaterThanOrEqual(0);
  });

  it('tells whether this process takes jobs', async () => {
    queue.working = false;
    expect((await part('queue')).detail).toBe('2 waiting; another process works');
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
    expect(parts.filter(({ status }) => status === 'ok')).toHaveLength(5);
  });

  it('calls a nearly full disk down', async () => {
    jest.spyOn(fs, 'statfs').mockResolvedValue({ bavail: 1024, bsize: 1024 ** 2 } as never);
    expect(await part('disk')).toMatchObject({
      status: 'down',
      detail: expect.stringContaining('make room') as string,
    });
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
