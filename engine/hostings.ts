/** Accepting a create or a delete: one transaction in which everything is taken and the job exists, or nothing is. */
import { createHash, randomUUID } from 'node:crypto';
import type { AcceptedHosting, CreateHostingInput, Engine, Hosting, Operation, User } from './engine';
import { EngineError } from './errors';
import { vmNameOf } from './hosting-names';
import { toHosting } from './hosting-view';
import { parseCidr, poolAddresses } from './network-pool';
import { accept } from './operations/accept';
import { createHosting } from './operations/create-hosting';
import { deleteHosting } from './operations/delete-hosting';
import type { Parts } from './parts';
import { makeKeyPair, parsePublicKey } from './ssh-key';
import type { Tx } from './store/database';
import { driftOf } from './store/drift';
import { isBeingAdopted } from './store/ejections';
import {
  findHosting,
  findLivingHosting,
  getHosting,
  type HostingRow,
  lockHosting,
  reserveHosting,
  selectHostings,
  updateHosting,
} from './store/hostings';
import { claimIdempotencyKey, rememberAnswer } from './store/idempotency';
import { getOperation, latestOperation, requestCancel, resumeStuck } from './store/operations';
import { findNode } from './store/stacks';
import { holdUser } from './store/users';
import { visibleHosting } from './visible-hosting';

export function hostings(parts: Parts): Engine['hostings'] {
  const { config, database } = parts;
  const shown = async (row: HostingRow, user: User): Promise<Hosting> =>
    toHosting(row, user, config, await driftOf(database.direct, row.id));
  return {
    create: async (user, input) => {
      const keys = input.sshPublicKey === undefined ? makeKeyPair(`vm-webhoster-${user.username}`) : null;
      const publicKey = keys?.publicKey ?? parsePublicKey(input.sshPublicKey ?? '');
      return database.transaction(async (tx): Promise<AcceptedHosting> => {
        await holdUser(tx, user.id);
        const key = input.idempotencyKey;
        const first =
          key === undefined ? null : await claimIdempotencyKey(tx, user.id, key, requestHash(input));
        if (first) {
          const row = await getHosting(tx, first.hostingId);
          return {
            hosting: toHosting(row, user, config),
            operation: await getOperation(tx, first.operationId),
            sshPrivateKey: null,
          };
        }
        const row = await reserve(parts, tx, user, {
          id: randomUUID(),
          sshPublicKey: publicKey,
          labels: input.labels ?? {},
        });
        const operation = await accept(parts, tx, createHosting, {
          stackId: row.id,
          hostingId: row.id,
          userId: user.id,
        });
        if (key !== undefined)
          await rememberAnswer(tx, user.id, key, { hostingId: row.id, operationId: operation.id });
        return {
          hosting: toHosting(await getHosting(tx, row.id), user, config),
          operation,
          sshPrivateKey: keys?.privateKey ?? null,
        };
      });
    },
    get: async (user, id) => {
      const row = await findHosting(database.direct, id);
      if (row === null || (row.userId !== user.id && user.role !== 'admin')) {
        throw new EngineError('hosting_not_found', 'There is no such hosting');
      }
      return shown(row, user);
    },
    mine: async (user) => shown(await livingHosting(database.direct, user), user),
    delete: (user) =>
      database.transaction(async (tx) => deleteAccepted(parts, tx, await livingHosting(tx, user))),
    remove: (asker, id) =>
      database.transaction(async (tx) => deleteAccepted(parts, tx, await visibleHosting(tx, asker, id))),
    list: (filter, page) => selectHostings(database.direct, filter, page),
  };
}

/** Everything that a hosting takes, in the accepting transaction. */
export async function reserve(
  { config, proxy }: Parts,
  tx: Tx,
  user: User,
  wanted: Pick<HostingRow, 'id' | 'sshPublicKey' | 'labels'>,
): Promise<HostingRow> {
  const cidr = parseCidr(config.NETWORK_CIDR);
  const addresses = cidr === null ? [] : poolAddresses(cidr);
  const node = await findNode(tx, config.NODE_NAME);
  if (node?.prepared == null)
    throw new EngineError(
      'node_not_ready',
      'The server is still being prepared; try again in a few minutes',
      { retryable: true },
    );
  const size = { memoryMiB: config.VM_MEMORY_MIB, vcpus: config.VM_VCPUS, diskGiB: config.VM_DISK_GIB };
  const hosting = {
    ...wanted,
    userId: user.id,
    node: node.name,
    vmName: vmNameOf(wanted.id),
    image: config.IMAGE,
    ...size,
  };
  return reserveHosting(tx, hosting, {
    sshPorts: [config.SSH_PORT_MIN, config.SSH_PORT_MAX],
    canListen: (port) => proxy.canListen(port),
    addresses,
  });
}

/** Accepts the removal of a hosting; one that is on its way is joined, a stuck one goes on, a create is cancelled first. */
export async function deleteAccepted(parts: Parts, tx: Tx, hosting: HostingRow): Promise<Operation> {
  // two removals that arrive together must become one operation
  if (!(await lockHosting(tx, hosting.id))) throw noHosting();
  // on its way back an adoption needs what a removal would forget
  if (await isBeingAdopted(tx, hosting.id))
    throw new EngineError('not_cancellable', 'The hosting is being taken back; try again in a minute');
  const before = await latestOperation(tx, hosting.id, 'delete-hosting');
  if (before?.status === 'stuck') {
    await resumeStuck(tx, before.id);
    await parts.queue.enqueue(tx, hosting.id);
  }
  if (before !== null && before.status !== 'failed') return getOperation(tx, before.id);
  const create = await latestOperation(tx, hosting.id, 'create-hosting');
  if (create?.status === 'stuck') await resumeStuck(tx, create.id);
  else if (create !== null) await requestCancel(tx, create.id);
  await updateHosting(tx, hosting.id, { status: 'deleting' });
  return accept(parts, tx, deleteHosting, {
    stackId: hosting.id,
    hostingId: hosting.id,
    userId: hosting.userId,
  });
}

async function livingHosting(tx: Tx, user: User) {
  const row = await findLivingHosting(tx, user.id);
  if (row === null) throw noHosting();
  return row;
}

export function noHosting(): EngineError {
  return new EngineError('hosting_not_found', 'You have no hosting; POST /api/v1/host makes one');
}

function requestHash({ sshPublicKey, labels = {} }: CreateHostingInput): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify({ sshPublicKey: sshPublicKey ?? null, labels: sorted }))
    .digest('hex');
}
