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
import type { Operation, OperationKind } from '../model/operation';
import type { User, Asker } from '../model/account';
import { EngineError } from '../base/errors';
import { vmNameOf } from '../machine/libvirt/names';
import { toHosting } from './view';
import { parseCidr, poolAddresses } from '../base/addresses';
import { accept, type OperationDefinition, type Parts, wakeWorker } from '../durable';
import { claimSpare as claimOperation, type ClaimInput } from './spares/claim';
import { createHosting } from './create';
import { deleteHosting } from './delete';
import { removeSpare } from './spares/remove';
import { madeKeyComment, makeKeyPair, parsePublicKey } from './ssh-key';
import type { Tx } from '../store/database';
import { driftOf } from '../store/drift';
import { isBeingAdopted } from '../store/ejections';
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
import { getOperation, latestOperation, requestCancel, resumeStuck } from '../store/operations';
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
  /** Living hostings of everybody, the oldest first, from behind `after` on. The caller must be an operator. */
  list(filter: HostingFilter, page: Page): Promise<readonly NamedHosting[]>;
}

export function hostings(parts: Parts): Hostings {
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
  parts: Parts,
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
  const { hostingId, definition, input: how } = await spareOrNew(parts, tx, user, { sshPublicKey, labels });
  const wanted = { stackId: hostingId, hostingId, userId: user.id, unfinished, input: how };
  const operation = await accept(parts, tx, definition, wanted);
  if (key !== undefined) await rememberAnswer(tx, user.id, key, { hostingId, operationId: operation.id });
  return { hostingId, operation, isFirst: true };
}

/** The user gets a spare; where none waits, everything that a new hosting takes. */
async function spareOrNew(
  parts: Parts,
  tx: Tx,
  user: User,
  wanted: Pick<HostingRow, 'sshPublicKey' | 'labels'>,
): Promise<{ hostingId: string; definition: OperationDefinition; input?: Record<string, unknown> }> {
  const owner = { ...wanted, userId: user.id };
  const spare = await claimSpare(tx, owner, newHostingSize(parts.config));
  if (spare !== null) {
    const { id, saved } = spare;
    // what was saved uses no memory until now
    if (saved) await admitVm(tx, parts.config, { memoryMiB: parts.config.VM_MEMORY_MIB, diskGiB: 0 });
    return { hostingId: id, definition: claimOperation, input: { saved } satisfies ClaimInput };
  }
  const hostingId = randomUUID();
  await reserve(parts, tx, user, { ...wanted, id: hostingId });
  return { hostingId, definition: createHosting };
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
  { config, proxy }: Parts,
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

/** What makes a hosting: a removal that meets it under way cancels it first. */
const makers: readonly OperationKind[] = ['create-hosting', 'claim-spare', 'make-spare'];

/**
 * Accepts the removal of a hosting, or of a spare; one that is on its way is joined, a stuck one goes on, what makes it
 * is cancelled first.
 */
export async function acceptDelete(parts: Parts, tx: Tx, { id }: Pick<HostingRow, 'id'>): Promise<Operation> {
  // two removals that arrive together must become one operation
  if (!(await lockHosting(tx, id))) throw noHosting();
  // what was a spare a moment ago may have an owner by now
  const hosting = await getHosting(tx, id);
  // on its way back an adoption needs what a removal would forget
  if (await isBeingAdopted(tx, hosting.id))
    throw new EngineError('not_cancellable', 'The hosting is being adopted; try again in a minute');
  const definition = isOwned(hosting) ? deleteHosting : removeSpare;
  const before = await latestOperation(tx, hosting.id, definition.kind);
  if (before?.status === 'stuck') {
    await resumeStuck(tx, before.id);
    await wakeWorker(parts, tx, hosting.id);
  }
  if (before !== null && before.status !== 'failed') return getOperation(tx, before.id);
  for (const kind of makers) {
    const maker = await latestOperation(tx, hosting.id, kind);
    if (maker?.status === 'stuck') await resumeStuck(tx, maker.id);
    else if (maker !== null) await requestCancel(tx, maker.id);
  }
  for (const kind of ['sleep-hosting', 'wake-hosting'] as const) {
    const half = await latestOperation(tx, hosting.id, kind);
    if (half?.status === 'stuck') await resumeStuck(tx, half.id);
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
