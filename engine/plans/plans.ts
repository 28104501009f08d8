/** Plans for people: what an apply would change now, what a create or a removal would do; and bringing back what differs. */
import { randomUUID } from 'node:crypto';
import type { Asker, User } from '../model/account';
import type { CreateHostingInput } from '../model/hosting';
import type { Operation } from '../model/operation';
import type { PlanReport, ApplyInput } from '../model/plan';
import { EngineError } from '../base/errors';
import { accept, hasEnded, type Parts, wakeWorker } from '../durable';
import { applyHosting } from './apply-hosting';
import { acceptLook, planApply } from './plan-apply';
import { planCreate } from './plan-create';
import { planDelete } from './plan-delete';
import { makeKeyPair, parsePublicKey, visibleHosting } from '../hostings';
import type { Tx } from '../store/database';
import type { HostingRow } from '../store/hostings';
import {
  countUnfinishedOf,
  getOperation,
  joinOperation,
  stepsOf,
  unfinishedOperation,
} from '../store/operations';
import { planOf } from '../store/runs';
import { findUserByName } from '../store/users';

/** Each is an operation: wait for it, then ask for its plan. A hosting of `null` is the user's living one. */
export interface Plans {
  /** Plans the hosting anew, changing nothing. @throws hosting_not_found */
  request(asker: Asker, hostingId: string | null): Promise<Operation>;
  /** Plans a hosting that is not made. */
  requestNew(user: User, input: Pick<CreateHostingInput, 'sshPublicKey'>): Promise<Operation>;
  /** The same for any user. The caller must be an administrator or an operator. @throws not_found */
  requestNewFor(username: string): Promise<Operation>;
  /** Plans what a removal would take away. @throws hosting_not_found */
  requestDelete(asker: Asker, hostingId: string): Promise<Operation>;
  /** Brings the hosting back to its specification. @throws hosting_not_found */
  apply(asker: Asker, hostingId: string | null, input: ApplyInput): Promise<Operation>;
  /** The plan that an operation made. @throws why there is none */
  of(operation: Pick<Operation, 'id'>): Promise<PlanReport>;
}

type PlanningParts = Pick<Parts, 'database' | 'queue'>;

export function plans(parts: PlanningParts): Plans {
  const { database } = parts;
  return {
    request: (asker, hostingId) =>
      database.transaction(async (tx) =>
        lookOnce(parts, tx, await visibleHosting(tx, asker, hostingId), asker),
      ),
    requestNew: async (user, input) => planOfNew(parts, user, input),
    requestNewFor: async (username) => {
      const user = await findUserByName(database.direct, username);
      if (user === null) throw new EngineError('not_found', `There is no user ${username}`);
      return planOfNew(parts, user, {});
    },
    requestDelete: (asker, hostingId) =>
      database.transaction(async (tx) => {
        const { id } = await visibleHosting(tx, asker, hostingId);
        await assertRoom(tx, idOf(asker));
        return accept(parts, tx, planDelete, {
          stackId: id,
          hostingId: id,
          userId: idOf(asker),
        });
      }),
    apply: (asker, hostingId, input) =>
      database.transaction(async (tx) => {
        const hosting = await visibleHosting(tx, asker, hostingId);
        await assertRoom(tx, idOf(asker));
        const wanted = {
          stackId: hosting.id,
          hostingId: hosting.id,
          userId: idOf(asker),
          input: { ...input },
        };
        return accept(parts, tx, applyHosting, wanted);
      }),
    of: async (operation) => planReport(database.direct, operation.id),
  };
}

/** @throws {EngineError} why there is no plan */
export async function planReport(tx: Tx, operationId: string): Promise<PlanReport> {
  const operation = await getOperation(tx, operationId);
  if (!hasEnded(operation)) throw new EngineError('not_ended');
  if (operation.status !== 'succeeded')
    throw new EngineError(operation.failure?.code ?? 'internal', operation.failure?.message ?? 'No plan');
  const run = await planOf(tx, operationId);
  // null of those that record no drift
  const drift = planApply.outputIn(await stepsOf(tx, operationId), 'record');
  const changes = run?.changes ?? [];
  return {
    operationId,
    runId: run?.id ?? null,
    at: run?.startedAt ?? operation.createdAt,
    differences: drift?.differences ?? changes.map(({ address, action }) => `${address}: ${action}`),
    changes,
    text: run?.planText ?? '',
    json: run?.plan ?? {},
  };
}

function planOfNew(
  parts: PlanningParts,
  user: User,
  { sshPublicKey }: Pick<CreateHostingInput, 'sshPublicKey'>,
): Promise<Operation> {
  const key = sshPublicKey === undefined ? makeKeyPair('plan').publicKey : parsePublicKey(sshPublicKey);
  const input = { userId: user.id, sshPublicKey: key };
  return parts.database.transaction(async (tx) => {
    await assertRoom(tx, user.id);
    return accept(parts, tx, planCreate, { stackId: randomUUID(), userId: user.id, input });
  });
}

/** Each of these is a run of Terraform, and nothing else keeps one user from asking for thousands. */
const mostUnfinished = 20;

/** @throws {EngineError} too_many_operations */
async function assertRoom(tx: Tx, userId: number | undefined): Promise<void> {
  if (userId === undefined || (await countUnfinishedOf(tx, userId)) < mostUnfinished) return;
  throw new EngineError(
    'too_many_operations',
    `${mostUnfinished} of your operations are unfinished; wait for some to end, then try again`,
  );
}

/** One that is waiting or under way is joined: it will be as fresh. */
async function lookOnce(parts: PlanningParts, tx: Tx, hosting: HostingRow, asker: Asker): Promise<Operation> {
  const underWay = await unfinishedOperation(tx, hosting.id, planApply.kind);
  if (underWay !== null) {
    await joinOperation(tx, underWay.id, { userId: idOf(asker) });
    if (underWay.status === 'pending') await wakeWorker(parts, tx, hosting.id);
    return getOperation(tx, underWay.id);
  }
  return acceptLook(parts, tx, hosting.id, { userId: idOf(asker) });
}

function idOf(asker: Asker): number | undefined {
  return asker === 'operator' ? undefined : asker.id;
}
