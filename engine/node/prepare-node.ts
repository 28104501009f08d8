/** Makes a libvirt host ready for VMs: fences, pool, network, base images; whether VMs run under KVM; what limits they can have. */
import path from 'node:path';
import { z } from 'zod';
import type { NodeSpec } from '../../stacks';
import type { Config } from '../base/config';
import { EngineError } from '../base/errors';
import { fenceOf, filterName } from '../machine/isolation/fence';
import type { SupportedLimits } from '../machine/isolation/isolation';
import { type BuiltImage, imageMissing, type ImageName } from '../machine/images/images';
import { parseCidr, poolAddresses } from '../base/addresses';
import { measureCapacity } from './measure-capacity';
import { ejectedHostings } from '../store/ejections';
import { livingHostings } from '../store/hostings';
import { findNode, findStack, type NodeImage, nodeSpecOf, updateNode } from '../store/stacks';
import type { StackNames } from '../machine/libvirt/inventory';
import type { PlanPolicy } from '../machine/terraform/plan-firewall';
import { namedObstacle } from './obstacles';
import type { Parts } from '../durable';
import { operation, type StepWith } from '../stack';

/** The base image is copied into the pool, and nothing is said meanwhile. */
const uploadMs = 900_000;

/** Of what the node depends on: see `nodeFingerprint`. */
const input = z.object({ fingerprint: z.string() });
const needs = [
  'config',
  'database',
  'images',
  'inventory',
  'isolation',
  'nodeCare',
  'stack',
  'virtualization',
] as const;
type Context = StepWith<(typeof needs)[number], z.output<typeof input>>;

export const prepareNode = operation({
  kind: 'prepare-node',
  input,
  needs,
  onFailure: 'unwind',
  onRemoval: 'wait',
})
  .step('virtualization', { do: detectVirtualization })
  .step('synthesize', { do: synthesize })
  .step('init', { do: ({ stack }) => stack.init() })
  .step('plan', { do: ({ stack }) => stack.plan('apply') })
  .step('check', { do: check })
  // first, so that the network never is without
  .step('fence', { do: fence })
  .step('apply', { do: apply, restartAt: 'plan' })
  .step('limits', { do: findLimits })
  .step('record', { do: (context, { virtualization, limits }) => record(context, virtualization, limits) });

interface Detected {
  readonly domainType: 'kvm' | 'qemu';
}

async function detectVirtualization({ config, images, signal, virtualization }: Context): Promise<Detected> {
  const { DOMAIN_TYPE, IMAGE } = config;
  if (DOMAIN_TYPE !== 'auto') return { domainType: DOMAIN_TYPE };
  const { boot } = await builtImage(images.find(IMAGE), IMAGE);
  return {
    domainType: await virtualization.detect(boot.kind === 'direct-kernel' ? boot.kernel : null, signal),
  };
}

async function synthesize({
  config,
  database,
  inventory,
  stack,
  stackId,
  ...context
}: Context): Promise<void> {
  const before = nodeSpecOf(await findStack(database.direct, stackId));
  const image = await builtImage(context.images.find(config.IMAGE), config.IMAGE);
  // base images stay: VMs may be backed by one that no recipe makes any more
  const images = new Map(
    [...(before?.images ?? []), baseVolume(image)].map((each) => [each.volumeName, each]),
  );
  await stack.synthesize(nodeSpec(config, [...images.values()], await inventory.hypervisorGroup()));
}

async function check({ config, database, stack }: Context): Promise<void> {
  // another CIDR, egress or pool path replaces what the VMs of today are attached to
  const users = [livingHostings, ejectedHostings].map((list) => list(database.direct, config.NODE_NAME));
  const used = (await Promise.all(users)).flat().length > 0;
  await stack.check(
    nodePolicy(config, 'apply', used ? ['libvirt_network', 'libvirt_pool', 'libvirt_volume'] : []),
  );
}

/** @param keeps  resource types that running VMs depend on */
export function nodePolicy(
  config: Config,
  intent: PlanPolicy['intent'],
  keeps: readonly string[] = [],
): PlanPolicy {
  return {
    intent,
    addresses: /^libvirt_(pool\.pool|network\.network|volume\.image_[a-z0-9_-]+)$/,
    keeps,
    uri: config.LIBVIRT_URI,
    maxMemoryMiB: 0,
    maxVcpus: 0,
    maxDiskBytes: 64 * 1024 ** 3,
  };
}

/** A node has no domain and no volume of its own name that a killed apply could have left: the pool holds only images. */
export function nodeNames(config: Config): StackNames {
  return { domain: null, pool: config.POOL_NAME, volumes: [] };
}

async function apply({ config, stack }: Context): Promise<void> {
  await stack.apply(uploadMs).catch((thrown: unknown) => {
    throw namedObstacle(config, thrown);
  });
}

async function fence({ config, isolation }: Context): Promise<void> {
  await isolation.put(fenceOf(config));
}

function findLimits({ config, isolation, signal }: Context): Promise<SupportedLimits> {
  return isolation.supportedLimits(config.NETWORK_NAME, signal);
}

async function record(context: Context, { domainType }: Detected, limits: SupportedLimits): Promise<void> {
  const { config, database, write } = context;
  const image = await builtImage(context.images.find(config.IMAGE), config.IMAGE);
  const node = await findNode(database.direct, config.NODE_NAME);
  const images = {
    ...(node?.images as Record<string, NodeImage> | undefined),
    [image.name]: nodeImage(image, config),
  };
  const prepared = context.input.fingerprint;
  const capacity = await measureCapacity(context);
  const found = { domainType, images, limits, capacity, prepared };
  await write((tx) => updateNode(tx, config.NODE_NAME, found));
}

/** What the node depends on; when it changes, the node is prepared again. */
export function nodeFingerprint(config: Config, image: BuiltImage): string {
  const {
    LIBVIRT_URI,
    POOL_NAME,
    POOL_DIR,
    NETWORK_NAME,
    NETWORK_BRIDGE,
    NETWORK_CIDR,
    EGRESS,
    DOMAIN_TYPE,
  } = config;
  const network = [NETWORK_NAME, NETWORK_BRIDGE, NETWORK_CIDR, EGRESS];
  const node = [LIBVIRT_URI, POOL_NAME, POOL_DIR, ...network, DOMAIN_TYPE, image.name, image.checksum];
  return [...node, filterName(config)].join(' ');
}

export async function isPrepared(
  { config, database, inventory }: Pick<Parts, 'config' | 'database' | 'inventory'>,
  fingerprint: string,
): Promise<boolean> {
  const node = await findNode(database.direct, config.NODE_NAME);
  if (node?.prepared !== fingerprint) return false;
  const images = Object.values(node.images as Record<string, NodeImage>);
  const volumes = images.map(({ baseVolumePath }) => path.basename(baseVolumePath));
  const found = await inventory.find({ domain: null, pool: config.POOL_NAME, volumes });
  return (
    found.volumes.length === volumes.length &&
    (await inventory.nodeActive(config.POOL_NAME, config.NETWORK_NAME))
  );
}

function nodeSpec(config: Config, images: NodeSpec['images'], hypervisorGid: number | undefined): NodeSpec {
  const cidr = parseCidr(config.NETWORK_CIDR);
  if (cidr === null) throw new EngineError('config_invalid', 'NETWORK_CIDR: not an IPv4 network');
  return {
    kind: 'node',
    name: config.NODE_NAME,
    uri: config.LIBVIRT_URI,
    pool: {
      name: config.POOL_NAME,
      path: config.POOL_DIR,
      ...(hypervisorGid === undefined ? {} : { hypervisorGid }),
    },
    network: {
      name: config.NETWORK_NAME,
      bridge: config.NETWORK_BRIDGE,
      cidr: config.NETWORK_CIDR,
      egress: config.EGRESS,
      reservations: poolAddresses(cidr),
    },
    images,
  };
}

async function builtImage(finding: Promise<BuiltImage | null>, name: ImageName): Promise<BuiltImage> {
  const image = await finding;
  if (image) return image;
  throw imageMissing(name);
}

function baseVolume(image: BuiltImage): NodeSpec['images'][number] {
  return { volumeName: volumeName(image), sourcePath: image.disk };
}

function nodeImage(image: BuiltImage, config: Config): NodeImage {
  return { baseVolumePath: `${config.POOL_DIR}/${volumeName(image)}`, boot: image.boot };
}

function volumeName({ name, checksum }: BuiltImage): string {
  return `base-${name}-${checksum.slice(0, 16)}.qcow2`;
}
