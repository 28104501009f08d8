/** Accepting a create or a delete: one transaction in which everything is taken and the job exists, or nothing is. */
import type { Page } from '../model/page';
import { createHash, randomUUID } from 'node:crypto';
import { actingAs } from '../model/actor';
import type {
  CreateHostingInput,
  Hosting,
  AcceptedHosting,
  HostingFilter,
  NamedHosting,
} from '../model/hosting';
import type { Operation } from '../model/operation';
import type { User, Asker } from '../model/account';
import { EngineError } from '../base/errors';
import { vmNameOf } from '../machine/libvirt/names';
import { toHosting } from './view';
import { parseCidr, poolAddresses } from '../base/addresses';
import { accept, type Parts, wakeWorker } from '../durable';
import { claimSpare as claimOperation } from './spares/claim';
import { createHosting } from './create';
import { deleteHosting, removeSpare } from './delete';
import { madeKeyComment, makeKeyPair, parsePublicKey } from './ssh-key';
import type { Tx } from '../store/database';
import { driftOf } from '../store/drift';
import {
  findLivingHosting,
  getHosting,
  getOwnedHosting,
  type HostingRow,
  isOwned,
  lockHosting,
  quotaExceeded,
  type OwnedHosting,
  reserveHosting,
  selectHostings,
  updateHosting,
} from '../store/hostings';
import { claimIdempotencyKey, rememberAnswer } from '../store/idempotency';
import { findMyHosting } from '../store/my-hosting';
import {
  getOperation,
  latestOperation,
  requestCancel,
  resumeStuck,
  unendedOperation,
} from '../store/operations';
import { claimSpare } from '../store/spares';
import { findNode } from '../store/stacks';
import { admitUser } from '../store/admission';
import { admitVm } from '../store/capacity';
import { findUser } from '../store/users';
import { noSuchHosting, visibleHosting } from './visible';

export interface Hostings {
  /** Accepts the request in one transaction. @throws quota_exceeded, ports_exhausted, addresses_exhausted, validation_failed, idempotency_key_reused, node_not_ready */
  create(user: User, input: CreateHostingInput): Promise<AcceptedHosting>;
  /** A hosting of this user, ended or not. @throws hosting_not_found */
  get(user: User, id: string): Promise<Hosting>;
  /** The user's living hosting. @throws hosting_not_found */
  mine(user: User): Promise<Hosting>;
  /** Accepts the removal; a create that is still running is cancelled first. @throws hosting_not_found */
  delete(user: User): Promise<Operation>;
  /** The same for any hosting that the asker may see. @throws hosting_not_found */
  remove(asker: Asker, id: string): Promise<Operation>;
  /**
   * Living hostings of everybody, the oldest first, from behind `after` on. The caller must be an administrator or an
   * operator.
   */
  list(filter: HostingFilter, page: Page): Promise<readonly NamedHosting[]>;
}

export function hostings(parts: Pick<Parts, 'config' | 'database' | 'kinds' | 'proxy' | 'queue'>): Hostings {
  const { config, database } = parts;
  const shown = async (row: OwnedHosting, user: User): Promise<Hosting> =>
    toHosting(row, user, config, await driftOf(database.direct, row.id));
  return {
    create: async (user, input) => {
      const keys = input.sshPublicKey === undefined ? makeKeyPair(`${madeKeyComment}${user.username}`) : null;
      const publicKey = keys?.publicKey ?? parsePublicKey(input.sshPublicKey ?? '');
      const accepted = await database.transaction((tx) => acceptCreate(parts, tx, user, input, publicKey));
      const { hostingId, operation, isFirst } = accepted;
      return {
        hosting: toHosting(await getOwnedHosting(database.direct, hostingId), user, config),
        operation,
        sshPrivateKey: isFirst ? (keys?.privateKey ?? null) : null,
      };
    },
    get: async (user, id) => {
      const row = await visibleHosting(database.direct, user, id);
      if (!isOwned(row)) throw noSuchHosting();
      const owner = row.userId === user.id ? user : await findUser(database.direct, row.userId);
      return shown(row, owner ?? user);
    },
    mine: async (user) => {
      const found = await findMyHosting(database.direct, user.id);
      if (found === null) throw noHosting();
      return toHosting(found.hosting, user, config, found.drift);
    },
    delete: (user) =>
      database.transaction(async (tx) => acceptDelete(parts, tx, await livingHosting(tx, user))),
    remove: (asker, id) => {
      const remove = () =>
        database.transaction(async (tx) => acceptDelete(parts, tx, await visibleHosting(tx, asker, id)));
      return asker === 'operator' ? remove() : actingAs(asker.username, remove);
    },
    list: (filter, page) => selectHostings(database.direct, filter, page),
  };
}

/** @returns what the first request made, where this one repeats it */
async function acceptCreate(
  parts: Pick<Parts, 'config' | 'proxy' | 'queue'>,
  tx: Tx,
  user: User,
  input: CreateHostingInput,
  sshPublicKey: string,
): Promise<{ hostingId: string; operation: Operation; isFirst: boolean }> {
  const { hasHosting, unfinished, lastLabels, ...account } = await admitUser(tx, user.id);
  const { idempotencyKey: key } = input;
  // what an administrator groups by is not the user's to leave out
  const labels = { ...(input.labels ?? lastLabels), ...account.labels };
  const first = key === undefined ? null : await claimIdempotencyKey(tx, user.id, key, requestHash(input));
  if (first !== null) {
    const { hostingId, operationId } = first;
    return { hostingId, operation: await getOperation(tx, operationId), isFirst: false };
  }
  if (hasHosting) throw quotaExceeded();
  const owner = { sshPublicKey, labels, userId: user.id };
  const spare = await claimedSpare(parts, tx, owner);
  const hostingId = spare?.id ?? randomUUID();
  const about = { stackId: hostingId, hostingId, userId: user.id, unfinished };
  if (spare === null) await reserve(parts, tx, user, { sshPublicKey, labels, id: hostingId });
  const operation =
    spare === null
      ? await accept(parts, tx, createHosting, about)
      : await accept(parts, tx, claimOperation, { ...about, input: { saved: spare.saved } });
  if (key !== undefined) await rememberAnswer(tx, user.id, key, { hostingId, operationId: operation.id });
  return { hostingId, operation, isFirst: true };
}

/** A spare that is its user's from here on. @returns null where none waits */
async function claimedSpare(
  { config }: Pick<Parts, 'config'>,
  tx: Tx,
  owner: Parameters<typeof claimSpare>[1],
): Promise<{ id: string; saved: boolean } | null> {
  const spare = await claimSpare(tx, owner, newHostingSize(config));
  // what was saved uses no memory until now
  if (spare?.saved === true) await admitVm(tx, config, { memoryMiB: config.VM_MEMORY_MIB, diskGiB: 0 });
  return spare;
}

/** What every new hosting is. */
export function newHostingSize(
  config: Parts['config'],
): Pick<HostingRow, 'node' | 'image' | 'memoryMiB' | 'vcpus' | 'diskGiB'> {
  const { NODE_NAME: node, IMAGE: image } = config;
  const { VM_MEMORY_MIB: memoryMiB, VM_VCPUS: vcpus, VM_DISK_GIB: diskGiB } = config;
  return { node, image, memoryMiB, vcpus, diskGiB };
}

/**
 * Everything that a hosting takes, in the accepting transaction; without a user it is a spare's.
 *
 * @throws {EngineError} node_not_ready, node_full, quota_exceeded, ports_exhausted, addresses_exhausted
 */
export async function reserve(
  { config, proxy }: Pick<Parts, 'config' | 'proxy'>,
  tx: Tx,
  user: Pick<User, 'id'> | null,
  wanted: Pick<HostingRow, 'id' | 'sshPublicKey' | 'labels'>,
): Promise<void> {
  const cidr = parseCidr(config.NETWORK_CIDR);
  const addresses = cidr === null ? [] : poolAddresses(cidr);
  const node = await findNode(tx, config.NODE_NAME);
  if (node?.prepared == null) throw new EngineError('node_not_ready', undefined, { retryable: true });
  const size = newHostingSize(config);
  await admitVm(tx, config, size);
  const hosting = { ...wanted, userId: user?.id ?? null, vmName: vmNameOf(wanted.id), ...size };
  await reserveHosting(tx, hosting, {
    sshPorts: [config.SSH_PORT_MIN, config.SSH_PORT_MAX],
    canListen: (port) => proxy.canListen(port),
    addresses,
  });
}

/**
 * Accepts the removal of a hosting, or of a spare; one that is on its way is joined, a stuck one goes on. What it does to
 * other operations on the hosting stands with their kinds.
 *
 * @throws {EngineError} hosting_not_found; not_cancellable while one must end first
 */
export async function acceptDelete(
  parts: Pick<Parts, 'kinds' | 'queue'>,
  tx: Tx,
  { id }: Pick<HostingRow, 'id'>,
): Promise<Operation> {
  // two removals that arrive together must become one operation
  if (!(await lockHosting(tx, id))) throw noSuchHosting();
  // what was a spare a moment ago may have an owner by now
  const hosting = await getHosting(tx, id);
  for (const kind of parts.kinds.treated('refuse'))
    if ((await unendedOperation(tx, hosting.id, kind)) !== null)
      throw new EngineError('not_cancellable', 'The hosting is being adopted; try again in a minute');
  const definition = isOwned(hosting) ? deleteHosting : removeSpare;
  const before = await latestOperation(tx, hosting.id, definition.kind);
  if (before?.status === 'stuck') {
    await resumeStuck(tx, before.id);
    await wakeWorker(parts, tx, hosting.id);
  }
  if (before !== null && before.status !== 'failed') return getOperation(tx, before.id);
  for (const how of ['cancel', 'resume'] as const)
    for (const kind of parts.kinds.treated(how)) {
      const other = await latestOperation(tx, hosting.id, kind);
      if (other?.status === 'stuck') await resumeStuck(tx, other.id);
      else if (other !== null && how === 'cancel') await requestCancel(tx, other.id);
    }
  await updateHosting(tx, hosting.id, { status: 'deleting' });
  return accept(parts, tx, definition, {
    stackId: hosting.id,
    hostingId: hosting.id,
    userId: hosting.userId ?? undefined,
  });
}

/** @throws {EngineError} hosting_not_found */
export async function livingHosting(tx: Tx, user: User): Promise<OwnedHosting> {
  const row = await findLivingHosting(tx, user.id);
  if (row === null) throw noHosting();
  return row;
}

function noHosting(): EngineError {
  return new EngineError('hosting_not_found');
}

function requestHash({ sshPublicKey, labels = {} }: CreateHostingInput): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify({ sshPublicKey: sshPublicKey ?? null, labels: sorted }))
    .digest('hex');
}
