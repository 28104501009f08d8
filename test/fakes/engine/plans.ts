/** Plans of the fake engine. What differs of a hosting is what the test says. */
import { type ApplyInput, type Engine, EngineError, type Operation, type User } from '../../../engine';
import { parsePublicKey } from '../../../engine/hostings';
import { hasEnded, person } from './hosting-records';
import type { Ending } from './new-operation';
import { hasEnded as isOver } from './operation-records';
import type { Records } from './records';
import { changesIn } from './run-records';

export interface FakePlans {
  readonly asEngineSees: Engine['plans'];
  /** What applies were asked for, the newest last. */
  readonly applies: readonly ApplyInput[];
  /** From now on the hosting differs in this, until it is applied. */
  differ(hostingId: string, differences: readonly string[]): void;
}

const most = 20;
const planSteps = ['workspace', 'init', 'plan', 'check'];
const succeeded: Ending = { status: 'succeeded' };

export function fakePlans(records: Records): FakePlans {
  const { begin, hostings, operations, people, runs } = records;
  const applies: ApplyInput[] = [];
  const differing = new Map<string, readonly string[]>();
  const found = new Map<string, readonly string[]>();
  const assertRoom = ({ id }: User): void => {
    const unfinished = operations.all().filter((each) => each.userId === id && !isOver(each));
    if (unfinished.length >= most)
      throw new EngineError('too_many_operations', `${most} of your operations are unfinished`);
  };
  const ofNew = (user: User): Operation => {
    assertRoom(user);
    const onEnd = (operation: Operation): void => {
      if (operation.status === 'succeeded') runs.add(operation, 'plan', 'create');
    };
    return begin({ kind: 'plan-create', userId: user.id, hostingId: null, steps: planSteps, onEnd });
  };
  const asEngineSees: Engine['plans'] = {
    request: async (asker, id) => {
      const hosting = hostings.visible(asker, id);
      const { id: hostingId } = hosting;
      const underWay = operations
        .all()
        .find((each) => each.hostingId === hostingId && each.kind === 'plan-apply' && !isOver(each));
      if (underWay !== undefined) return underWay;
      return begin({
        ...{ kind: 'plan-apply', userId: person(asker).id, hostingId, steps: planSteps },
        outcome: () => outcomeFor(records, hostingId),
        onEnd: (operation) => {
          const differences = differing.get(hostingId) ?? [];
          found.set(operation.id, differences);
          if (operation.status === 'succeeded') runs.add(operation, 'plan', differences.flatMap(changesIn));
          noteLook(records, operation, differences);
        },
      });
    },
    requestNew: async (user, { sshPublicKey }) => {
      if (sshPublicKey !== undefined) parsePublicKey(sshPublicKey);
      return ofNew(user);
    },
    requestNewFor: async (username) => {
      const user = people.named(username)?.user;
      if (user === undefined) throw new EngineError('not_found', `There is no user ${username}`);
      return ofNew(user);
    },
    requestDelete: async (asker, id) => {
      const { id: hostingId } = hostings.visible(asker, id);
      assertRoom(person(asker));
      return begin({
        ...{ kind: 'plan-delete', userId: person(asker).id, hostingId, steps: planSteps },
        outcome: () => outcomeFor(records, hostingId),
        onEnd: (operation) => {
          if (operation.status === 'succeeded') runs.add(operation, 'plan', 'delete');
        },
      });
    },
    apply: async (asker, id, input) => {
      const { id: hostingId } = hostings.visible(asker, id);
      assertRoom(person(asker));
      applies.push(input);
      return begin({
        ...{ kind: 'apply-hosting', userId: person(asker).id, hostingId, steps: [...planSteps, 'apply'] },
        outcome: () => applied(records, hostingId, differing.get(hostingId) ?? [], input),
        onEnd: (operation) => {
          if (operation.status !== 'succeeded') return;
          for (const kind of ['plan', 'apply'] as const)
            runs.add(operation, kind, (differing.get(hostingId) ?? []).flatMap(changesIn));
          differing.delete(hostingId);
          noteLook(records, operation, []);
          hostings.change(hostingId, { status: 'running' });
        },
      });
    },
    of: async ({ id }) => reportOf(records, id, found.get(id)),
  };
  return { asEngineSees, applies, differ: (id, differences) => void differing.set(id, differences) };
}

/** What was never made, or is no more, has no plan. */
function outcomeFor({ hostings }: Records, hostingId: string): Ending {
  const hosting = hostings.find(hostingId);
  if (hosting !== undefined && !hasEnded(hosting)) return succeeded;
  return { status: 'failed', failure: { code: 'not_found', message: 'This stack was never created' } };
}

function applied(
  records: Records,
  hostingId: string,
  differences: readonly string[],
  { agreed }: ApplyInput,
): Ending {
  if (agreed === null || JSON.stringify(agreed) === JSON.stringify(differences))
    return outcomeFor(records, hostingId);
  const failure = { code: 'plan_changed', message: 'The plan has changed since you saw it' } as const;
  return { status: 'failed', failure };
}

function noteLook({ hostings }: Records, operation: Operation, differences: readonly string[]): void {
  const { hostingId, status, failure, finishedAt: checkedAt } = operation;
  const hosting = hostings.find(hostingId ?? '');
  if (hosting === undefined) return;
  const drift =
    status === 'succeeded'
      ? { checkedAt, differences, lookFailed: false, lookFailure: null }
      : { ...hosting.drift, lookFailed: true, lookFailure: failure };
  hostings.change(hosting.id, { drift });
}

/** @param found  what a look at a hosting found; the changes otherwise */
async function reportOf({ operations, runs }: Records, id: string, found: readonly string[] | undefined) {
  const operation = operations.known(id);
  if (!isOver(operation)) throw new EngineError('not_ended');
  if (operation.status !== 'succeeded')
    throw new EngineError(operation.failure?.code ?? 'internal', operation.failure?.message ?? 'No plan');
  const run = runs.all().find(({ operationId, kind }) => operationId === id && kind === 'plan');
  const changes = run?.changes ?? [];
  return {
    ...{ operationId: id, runId: run?.id ?? null, at: run?.startedAt ?? operation.createdAt, changes },
    differences: found ?? changes.map(({ address, action }) => `${address}: ${action}`),
    ...{ text: run?.planText ?? '', json: run?.plan ?? {} },
  };
}
