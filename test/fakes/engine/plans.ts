/** Plans of the fake engine. What differs of a hosting is what the test says of its drift. */
import { type ApplyInput, type Asker, type Engine, EngineError, type Hosting } from '../../../engine';
import { person } from './hosting-records';
import type { Records } from './records';

export interface FakePlans {
  readonly asEngineSees: Engine['plans'];
  /** What applies were asked for, the newest last. */
  readonly applies: readonly ApplyInput[];
}

export function fakePlans(
  { begin, hostings, operations, people }: Records,
  mine: Engine['hostings']['mine'],
): FakePlans {
  const applies: ApplyInput[] = [];
  const hostingOf = async (asker: Asker, id: string | null): Promise<Hosting> =>
    id === null ? mine(person(asker)) : hostings.visible(asker, id).hosting;
  const asEngineSees: Engine['plans'] = {
    request: async (asker, id) =>
      begin('plan-apply', person(asker), (await hostingOf(asker, id)).id, ['plan']),
    requestNew: async (user) => begin('plan-create', user, '', ['plan']),
    apply: async (asker, id, input) => {
      applies.push(input);
      return begin('apply-hosting', person(asker), (await hostingOf(asker, id)).id, ['plan']);
    },
    requestNewFor: async (username) => {
      const account = people.named(username);
      if (account === undefined) throw new EngineError('not_found', `There is no user ${username}`);
      return begin('plan-create', account.user, '', ['plan']);
    },
    requestDelete: async (asker, id) =>
      begin('plan-delete', person(asker), hostings.visible(asker, id).hosting.id, ['plan']),
    of: async ({ id }) => {
      const { kind, hostingId, finishedAt, failure } = operations.known(id);
      if (failure !== null) throw new EngineError(failure.code, failure.message);
      if (finishedAt === null) throw new EngineError('not_ended', 'The plan is not there yet');
      const hosting = hostings.all().find((each) => each.id === hostingId);
      return {
        ...{ operationId: id, runId: '5f0c1f0e-0f7b-4f57-8f1c-0d8b3c1f2a3b', at: finishedAt },
        differences: kind === 'plan-apply' ? (hosting?.drift.differences ?? []) : [],
        ...{ changes: [], text: 'No changes.', json: {} },
      };
    },
  };
  return { asEngineSees, applies };
}
