/** Whether a hosting may be taken in here: before anything is written down, and again under its lease. */
import { EngineError } from '../base/errors';
import { vmNameOf } from '../machine/libvirt/names';
import type { AdoptInput } from './facts';
import { parseCidr, poolAddresses } from '../base/addresses';
import type { Parts } from '../durable';
import { notEjected } from '../store/ejections';
import { findHosting, findLivingHosting } from '../store/hostings';
import { findNode } from '../store/stacks';
import { findUserByName } from '../store/users';

type LookingParts = Pick<Parts, 'config' | 'database' | 'inventory'>;

type Wanted = Pick<AdoptInput, 'facts' | 'spec'>;

/**
 * @returns its user's number here
 * @throws {EngineError} validation_failed, not_found, quota_exceeded, node_not_ready, libvirt_unavailable
 */
export async function assertAdoptable(parts: LookingParts, wanted: Wanted): Promise<{ userId: number }> {
  const { config, database } = parts;
  const { facts } = wanted;
  const problem = contradiction(wanted) ?? foreign(wanted, config);
  if (problem !== null) throw new EngineError('validation_failed', problem);
  const known = await findHosting(database.direct, facts.id);
  if (known !== null && known.status !== 'ejected') throw notEjected(known);
  const node = await findNode(database.direct, config.NODE_NAME);
  if (node?.prepared == null)
    throw new EngineError(
      'node_not_ready',
      'The server has not been prepared yet; run webhoster node prepare',
    );
  const user = await findUserByName(database.direct, facts.username);
  if (user === null)
    throw new EngineError('not_found', `There is no user ${facts.username}; register them first`);
  if ((await findLivingHosting(database.direct, user.id)) !== null)
    throw new EngineError('quota_exceeded', `${facts.username} already has a hosting; delete it first`);
  const { domains } = await parts.inventory.survey(config.POOL_NAME);
  if (!domains.some(({ name, hostingId }) => name === facts.vmName && hostingId === facts.id))
    throw new EngineError('not_found', `libvirt has no ${facts.vmName} that is marked as this hosting`);
  return { userId: user.id };
}

/** What hosting.json says twice it must say alike; names follow from the id. */
function contradiction({ facts, spec }: Wanted): string | null {
  const pairs = {
    id: [facts.id, spec.hostingId],
    vm_name: [facts.vmName, vmNameOf(facts.id)],
    'spec.vmName': [spec.vmName, facts.vmName],
    memory_mib: [facts.memoryMiB, spec.memoryMiB],
    vcpus: [facts.vcpus, spec.vcpus],
    disk_gib: [facts.diskGiB * 1024 ** 3, spec.diskBytes],
    ip: [facts.ip, spec.ip],
    mac: [facts.mac, spec.mac],
  };
  const field = Object.entries(pairs).find(([, [a, b]]) => a !== b)?.[0];
  return field === undefined ? null : `hosting.json contradicts itself: ${field}`;
}

function foreign({ spec }: Wanted, config: Parts['config']): string | null {
  const here = { uri: config.LIBVIRT_URI, pool: config.POOL_NAME, network: config.NETWORK_NAME };
  for (const key of ['uri', 'pool', 'network'] as const)
    if (spec.node[key] !== here[key])
      return `The VM belongs to another node: its ${key} is ${spec.node[key]}, but this node's is ${here[key]}`;
  const cidr = parseCidr(config.NETWORK_CIDR);
  const ours = cidr !== null && poolAddresses(cidr).some(({ ip, mac }) => ip === spec.ip && mac === spec.mac);
  return ours ? null : `The address ${spec.ip} does not belong to the network of this node`;
}
