/** Makes a libvirt host ready for VMs: fences, pool, network, base images; whether VMs run under KVM; what limits they can have. */
import path from 'node:path';
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
import {
  applyStack,
  checkStackPlan,
  initializeStack,
  planStack,
  synthesizeStack,
  type Definition as OperationDefinition,
  type OldContext as StepContext,
} from '../stack';

/** The base image is copied into the pool, and nothing is said meanwhile. */
const uploadMs = 900_000;

export const prepareNode: OperationDefinition = {
  kind: 'prepare-node',
  onFailure: 'unwind',
  steps: [
    { name: 'virtualization', run: detectVirtualization },
    { name: 'synthesize', run: synthesize },
    { name: 'init', run: initializeStack },
    { name: 'plan', run: (context) => planStack(context, 'apply') },
    { name: 'check', run: check },
    // first, so that the network never is without
    { name: 'fence', run: fence },
    { name: 'apply', run: apply, restartAt: 'plan' },
    { name: 'limits', run: findLimits },
    { name: 'record', run: record },
  ],
};

async function detectVirtualization({ parts, signal }: StepContext): Promise<unknown> {
  const { DOMAIN_TYPE, IMAGE } = parts.config;
  if (DOMAIN_TYPE !== 'auto') return { domainType: DOMAIN_TYPE };
  const { boot } = await builtImage(parts.images.find(IMAGE), IMAGE);
  return {
    domainType: await parts.virtualization.detect(boot.kind === 'direct-kernel' ? boot.kernel : null, signal),
  };
}

async function synthesize(context: StepContext): Promise<void> {
  const { parts } = context;
  const before = nodeSpecOf(await findStack(parts.database.direct, context.stackId));
  const image = await builtImage(parts.images.find(parts.config.IMAGE), parts.config.IMAGE);
  // base images stay: VMs may be backed by one that no recipe makes any more
  const images = new Map(
    [...(before?.images ?? []), baseVolume(image)].map((each) => [each.volumeName, each]),
  );
  await synthesizeStack(
    context,
    nodeSpec(parts.config, [...images.values()], await parts.inventory.hypervisorGroup()),
  );
}

async function check(context: StepContext): Promise<void> {
  const { config, database } = context.parts;
  // another CIDR, egress or pool path replaces what the VMs of today are attached to
  const users = [livingHostings, ejectedHostings].map((list) => list(database.direct, config.NODE_NAME));
  const used = (await Promise.all(users)).flat().length > 0;
  await checkStackPlan(
    context,
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

async function apply(context: StepContext): Promise<void> {
  await applyStack(context, uploadMs).catch((thrown: unknown) => {
    throw namedObstacle(context.parts.config, thrown);
  });
}

async function fence({ parts }: StepContext): Promise<void> {
  await parts.isolation.put(fenceOf(parts.config));
}

function findLimits({ parts, signal }: StepContext): Promise<SupportedLimits> {
  return parts.isolation.supportedLimits(parts.config.NETWORK_NAME, signal);
}

async function record(context: StepContext): Promise<void> {
  const { config, database } = context.parts;
  const { domainType } = context.output<{ domainType: 'kvm' | 'qemu' }>('virtualization');
  const image = await builtImage(context.parts.images.find(config.IMAGE), config.IMAGE);
  const node = await findNode(database.direct, config.NODE_NAME);
  const images = {
    ...(node?.images as Record<string, NodeImage> | undefined),
    [image.name]: nodeImage(image, config),
  };
  const prepared = String(context.input.fingerprint);
  const limits = context.output<SupportedLimits>('limits');
  const capacity = await measureCapacity(context.parts);
  const found = { domainType, images, limits, capacity, prepared };
  await context.write((tx) => updateNode(tx, config.NODE_NAME, found));
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

export async function isPrepared(parts: StepContext['parts'], fingerprint: string): Promise<boolean> {
  const { config, database, inventory } = parts;
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
