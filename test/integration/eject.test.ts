/** A hosting leaves and comes back, with real records and a fake host: what is refused, and what is left then. */
import { createHash } from 'node:crypto';
import type { User } from '../../engine/model/account';
import { EngineError } from '../../engine/base/errors';
import { adopt, type BundleFile, eject } from '../../engine/ejection';
import { assertNoneEjected } from '../../engine/hostings';
import { type HeldStep, operationRunner, type StepContext } from '../../engine/durable';
import { prepareNode } from '../../engine/node';
import { type Ports, stackWork } from '../../engine/stack';
import { definitions } from '../../engine/start';
import { fix, sweep } from '../../engine/sweep';
import { getHosting } from '../../engine/store/hostings';
import { findNode } from '../../engine/store/stacks';
import { writePlan, writeStack, stackWorkspace } from '../../engine/machine/terraform/workspace';
import { ejected, readFrom } from '../support/scenarios';
import { type Traces, tracesOf } from '../support/traces';
import { openWorld, type World } from '../worlds/world';
import { forgetEjected, renameUser, saveAnotherState } from '../support/rows';

jest.setTimeout(20_000);

let world: World;
let user: User;
let id: string;
let vmName: string;
const never = new AbortController().signal;

beforeEach(async () => {
  world = await openWorld();
  user = await world.newUser();
  ({ id, vmName } = (await world.engine.hostings.create(user, { labels: { course: 'cs101' } })).hosting);
  await world.work(id);
});
afterEach(() => world.close());

function codeOf(act: () => Promise<unknown>): Promise<unknown> {
  return act().then(
    () => 'succeeded',
    (thrown: unknown) => (thrown instanceof EngineError ? thrown.code : thrown),
  );
}

const who = 'operator tests';
const command = { who, handover: never };
const takeBack = (files: readonly BundleFile[]) => adopt(world, command, readFrom(files));

function withFile(
  files: readonly BundleFile[],
  path: string,
  change: (text: string) => string,
): BundleFile[] {
  return files.map((file) =>
    file.path === path ? { path, content: Buffer.from(change(file.content.toString())) } : file,
  );
}

async function findings(): Promise<string[]> {
  return (await sweep(world.parts)).findings.map(({ kind, subject }) => `${kind} ${subject}`);
}

/** As in hosting.json: SHA-256 of the JSON whose fields are in order. */
function checksumOf(body: object): string {
  const inOrder = (_key: string, value: unknown): unknown =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify(body, inOrder)).digest('hex');
}

const rows = () => world.parts.database.direct;

it.each(['vm name', 'id', 'username'] as const)('an ejection finds the hosting by its %s', async (by) => {
  const files = await ejected(world, { 'vm name': vmName, id, username: user.username }[by]);
  expect(files.map(({ path }) => path).sort()).toEqual([
    'README.md',
    'cdk.tf.json.inactive',
    'cloud-init/meta-data',
    'cloud-init/user-data',
    'hosting.json',
    'main.tf',
    'terraform.tfstate',
  ]);
});

it('an ejection leaves the hosting untouched when the files cannot be written', async () => {
  const before = await tracesOf(world);
  const full = { write: () => Promise.reject(new Error('disk full')), discard: () => Promise.resolve() };
  await expect(eject(world, command, vmName, full)).rejects.toThrow('disk full');
  expect(await tracesOf(world)).toEqual(before);
});

it('an ejection writes all files before it releases anything', async () => {
  const before = await tracesOf(world);
  let atWrite: Traces = {};
  const write = async (): Promise<void> => void (atWrite = await tracesOf(world));
  await eject(world, command, vmName, { write, discard: () => Promise.resolve() });
  expect(atWrite).toEqual(before);
});

it('an ejection removes its files again when the hosting was not released', async () => {
  const before = await tracesOf(world);
  const done: string[] = [];
  const target = {
    write: async (): Promise<void> => {
      done.push('written');
      await saveAnotherState(rows(), id);
    },
    discard: () => Promise.resolve(void done.push('discarded')),
  };
  expect(await codeOf(() => eject(world, command, vmName, target))).toBe('plan_changed');
  expect(done).toEqual(['written', 'discarded']);
  expect(await tracesOf(world)).toEqual(before);
});

it('the files stay when the command is stopped and a worker continues the ejection', async () => {
  let discarded = false;
  const target = { write: () => Promise.resolve(), discard: () => Promise.resolve(void (discarded = true)) };
  const stop = new AbortController();
  const stopped = { ...world, runner: { perform: () => Promise.resolve(stop.abort(new Error('Ctrl-C'))) } };
  await expect(eject(stopped, { who, handover: stop.signal }, vmName, target)).rejects.toThrow('Ctrl-C');
  expect(discarded).toBe(false);
  await world.work(id);
  expect((await getHosting(world.parts.database.direct, id)).status).toBe('ejected');
});

it('an ejection is refused for a hosting that differs from its specification, and says how it differs', async () => {
  world.host.domains.clear();
  const target = { write: () => Promise.resolve(), discard: () => Promise.resolve() };
  await expect(eject(world, command, vmName, target)).rejects.toThrow(/libvirt_domain.vm: create/);
});

it('an ejected hosting can be ejected again, with the same files', async () => {
  const first = await ejected(world, vmName);
  const again = await ejected(world, vmName);
  const same = (files: readonly BundleFile[]): unknown =>
    files.filter(({ path }) => path === 'main.tf' || path === 'terraform.tfstate');
  expect(same(again)).toEqual(same(first));
});

it('after an ejection no removal, apply or plan of the service finds the hosting', async () => {
  await ejected(world, vmName);
  expect(await codeOf(() => world.engine.hostings.delete(user))).toBe('hosting_not_found');
  expect(await codeOf(() => world.engine.hostings.mine(user))).toBe('hosting_not_found');
  expect(await codeOf(() => assertNoneEjected(world.parts))).toBe('validation_failed');
  expect(world.host.domains.has(vmName)).toBe(true);
});

it('the user of an ejected hosting can create another with a different address, and neither is an orphan', async () => {
  await ejected(world, vmName);
  expect(await findings()).toEqual([]);
  const { hosting } = await world.engine.hostings.create(user, {});
  await world.work(hosting.id);
  expect(hosting.ip).not.toBe((await getHosting(world.parts.database.direct, id)).ip);
  expect(await findings()).toEqual([]);
});

it('a removal that was accepted before the hosting was released wins over the ejection', async () => {
  const target = {
    write: async (): Promise<void> => void (await world.engine.hostings.delete(user)),
    discard: () => Promise.resolve(),
  };
  expect(await codeOf(() => eject(world, command, vmName, target))).not.toBe('succeeded');
  await world.work(id);
  expect(world.host.remains()).toMatchObject({ domains: [], volumes: [] });
  expect((await getHosting(world.parts.database.direct, id)).status).toBe('deleted');
});

/** Somebody else acts, or something fails, whenever routes are published. */
function whenPublishing(act: () => Promise<unknown>): World {
  const { publish } = world.parts.routePublisher;
  const routePublisher = { publish: () => act().then(publish) };
  const parts = { ...world.parts, routePublisher };
  const runner = operationRunner({
    ...{ parts, definitions, bus: world.bus, owner: 'watched' },
    ...stackWork(parts),
  });
  return { ...world, parts, runner };
}

it('a removal that is accepted in the middle of an ejection wins over it', async () => {
  let asked = false;
  const watched = whenPublishing(async () => {
    if (!asked) await world.engine.hostings.delete(user);
    asked = true;
  });
  const target = { write: () => Promise.resolve(), discard: () => Promise.resolve() };
  await expect(eject(watched, command, vmName, target)).rejects.toThrow('The hosting is being removed');
  await world.work(id);
  expect(world.host.remains()).toEqual({ domains: [], volumes: [], routes: [] });
  expect((await getHosting(world.parts.database.direct, id)).status).toBe('deleted');
});

it('a stuck ejection keeps its files, and releases nothing more when the doctor continues it', async () => {
  let discarded = false;
  const target = { write: () => Promise.resolve(), discard: () => Promise.resolve(void (discarded = true)) };
  const broken = whenPublishing(() => Promise.reject(new EngineError('proxy_refused', 'no Nginx')));
  expect(await codeOf(() => eject(broken, command, vmName, target))).toBe('proxy_refused');
  expect([discarded, await findings()]).toEqual([
    false,
    expect.arrayContaining([`stuck-operation eject-hosting of ${vmName}`]),
  ]);
  await fix(world, (await sweep(world.parts)).findings, {
    who: 'operator tests',
    unknown: false,
    handover: never,
  });
  expect((await getHosting(world.parts.database.direct, id)).status).toBe('running');
  expect(await findings()).toEqual([]);
});

it('the node keeps pool, network and base image while an ejected VM uses them', async () => {
  await ejected(world, vmName);
  const stackId = (await findNode(world.parts.database.direct, world.config.NODE_NAME))!.stackId;
  const workspace = stackWorkspace(world.config, stackId);
  await writeStack(workspace, '{}');
  const change = { actions: ['delete'] as const, before: null, after: null };
  const network = { address: 'libvirt_network.network', mode: 'managed' as const, type: 'libvirt_network' };
  const named = { name: 'network', provider_name: 'registry.terraform.io/dmacvicar/libvirt' };
  await writePlan(workspace, { resource_changes: [{ ...network, ...named, change }] });
  const check = prepareNode.steps.find(({ name }) => name === 'check')?.run;
  const { parts } = world;
  const held = { stackId, log: parts.log, assertHeld: () => undefined } as unknown as HeldStep;
  const step: Partial<StepContext<Ports>> = {
    ...held,
    input: { fingerprint: '' },
    ports: stackWork(parts).ports(held),
    outputs: new Map(),
  };
  const refused = check?.(step as StepContext<Ports>);
  await expect(refused).rejects.toMatchObject({
    details: { rules: expect.arrayContaining(['keep-what-is-used']) as unknown },
  });
});

it('the sweep ends an ejected hosting and frees its address once its VM is gone, and only then', async () => {
  await ejected(world, vmName);
  world.host.domains.clear();
  expect(await findings()).toEqual([]);
  world.host.volumes.clear();
  const { findings: found } = await sweep(world.parts);
  expect(found).toMatchObject([{ kind: 'orphan-address', detail: `${vmName} was ejected and is gone` }]);
  world.host.domains.set(vmName, 'running');
  expect(await fix(world, found, { who: 'operator tests', unknown: false, handover: never })).toMatchObject([
    { result: 'failed' },
  ]);
  expect((await getHosting(world.parts.database.direct, id)).status).toBe('ejected');
});

describe('adopt', () => {
  let files: readonly BundleFile[];
  beforeEach(async () => {
    files = await ejected(world, vmName);
  });

  it('adopt takes the hosting back as it was', async () => {
    const adopted = await takeBack(files);
    expect(adopted).toMatchObject({ formerSshPort: null, changed: [], username: user.username });
    expect(await world.engine.hostings.mine(user)).toMatchObject({ id, vmName, status: 'running' });
    expect(await findings()).toEqual([]);
    await world.engine.hostings.delete(user);
    await world.work(id);
    expect(world.host.remains()).toMatchObject({ domains: [], volumes: [] });
  });

  it('adopt takes another SSH port if its own is taken, and says so', async () => {
    const { sshPort } = await getHosting(world.parts.database.direct, id);
    await world.engine.hostings.create(await world.newUser(), {});
    const { hosting, formerSshPort } = await takeBack(files);
    expect([formerSshPort, hosting.sshPort]).toEqual([sshPort, sshPort + 1]);
  });

  it('adopt takes a hosting into a database that has never known it, with its id and labels', async () => {
    await forgetEjected(rows());
    await takeBack(files);
    expect(await world.engine.hostings.mine(user)).toMatchObject({
      id,
      labels: { course: 'cs101' },
      status: 'running',
    });
    expect(await findings()).toEqual([]);
  });

  it.each<[string, string, () => unknown]>([
    [
      'its user is unknown',
      'not_found',
      async () => {
        await forgetEjected(rows());
        await renameUser(rows(), user.id, 'another');
      },
    ],
    ['its user has another', 'quota_exceeded', () => world.engine.hostings.create(user, {})],
    ['its VM is gone', 'not_found', () => void world.host.domains.clear()],
    [
      'its VM has another mark',
      'not_found',
      () => void world.host.marks.set(vmName, { hostingId: id, pool: 'another' }),
    ],
    ['it was taken back before', 'validation_failed', () => takeBack(files)],
    [
      'somebody has its address',
      'addresses_exhausted',
      async () => {
        await forgetEjected(rows());
        await world.engine.hostings.create(await world.newUser(), {});
      },
    ],
    ['its disk is gone', 'plan_changed', () => void world.host.volumes.clear()],
    [
      'its VM has another size',
      'plan_changed',
      () => void world.host.configs.set(vmName, { memoryMiB: 64, vcpus: 1 }),
    ],
  ])('adopt is refused when %s, and changes nothing', async (_, code, happens) => {
    await happens();
    const before = await tracesOf(world);
    const published = world.host.publishes;
    expect(await codeOf(() => takeBack(files))).toBe(code);
    expect(await tracesOf(world)).toEqual(before);
    expect(world.host.publishes).toBe(published);
  });

  it.each<[string, string, (text: string) => string, RegExp]>([
    [
      'hosting.json',
      'an edited fact',
      (text) => text.replace('"vcpus": 1', '"vcpus": 2'),
      /hosting.json has changed since it was written/,
    ],
    [
      'hosting.json',
      'a newer format',
      (text) => text.replace('"format": 1', '"format": 2'),
      /format 2.*update first/,
    ],
    ['hosting.json', 'no JSON', () => 'nonsense', /hosting.json is not JSON/],
    ['terraform.tfstate', 'a broken state', (text) => text.slice(0, -9), /terraform.tfstate is not JSON/],
    [
      'terraform.tfstate',
      'the state of another',
      (text) => text.replace('"fake"', '"other"'),
      /its lineage differs/,
    ],
    ['terraform.tfstate', 'a state of the same serial', (text) => `${text} `, /terraform.tfstate is damaged/],
  ])('adopt refuses %s with %s', async (path, _, change, message) => {
    const before = await tracesOf(world);
    await expect(takeBack(withFile(files, path, change))).rejects.toThrow(message);
    expect(await tracesOf(world)).toEqual(before);
  });

  it('adopt refuses a specification that the allow-list does not permit, even with a correct checksum', async () => {
    const forged = withFile(files, 'hosting.json', (text) => {
      const body = JSON.parse(text) as { checksum?: string; spec: { cloudInit: object } };
      delete body.checksum;
      body.spec.cloudInit = { ...body.spec.cloudInit, userData: '${file("/etc/shadow")}' };
      return JSON.stringify({ ...body, checksum: checksumOf(body) });
    });
    await expect(takeBack(forged)).rejects.toThrow(/spec is not allowed/);
  });

  it('adopt takes a newer state, and names the other files that were edited', async () => {
    const applied = withFile(files, 'terraform.tfstate', (text) =>
      text.replace(/"serial":(\d+)/, (_, n) => `"serial":${Number(n) + 2}`),
    );
    const { changed } = await takeBack(withFile(applied, 'main.tf', (text) => `${text}# mine\n`));
    expect(changed).toEqual(['main.tf', 'terraform.tfstate']);
  });

  it('a removal is refused while adopt runs, since it would forget what the way back needs', async () => {
    let refused: unknown;
    const watched = whenPublishing(
      async () => (refused = await codeOf(() => world.engine.hostings.delete(user))),
    );
    await adopt(watched, command, readFrom(files));
    expect(refused).toBe('not_cancellable');
  });
});
