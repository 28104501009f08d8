/** Terraform's runs, of which the fake engine has none, and how its hostings differ. */
import { type Engine, EngineError } from '../../../engine';
import { onePage } from './one-page';
import type { Records } from './records';

export function fakeRuns(): Engine['runs'] {
  return {
    list: async () => [],
    get: async () => {
      throw new EngineError('run_not_found', 'There is no such run');
    },
    follow: async function* () {
      yield '';
    },
  };
}

export function fakeDrift({ hostings, people }: Pick<Records, 'hostings' | 'people'>): Engine['drift'] {
  return {
    list: async (page) => {
      const all = hostings.all().map(({ id, vmName, userId, status, drift }) => ({
        ...{ hostingId: id, vmName, username: people.withId(userId)?.user.username ?? '' },
        isAsleep: status === 'sleeping',
        ...drift,
      }));
      return onePage(all, page, ({ hostingId }) => hostingId);
    },
  };
}
