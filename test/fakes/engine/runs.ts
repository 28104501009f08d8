/** Terraform's runs as callers of the fake engine see them, and how its hostings differ. */
import { type Asker, type Engine, EngineError, type Run, type RunDetail } from '../../../engine';
import { person } from './hosting-records';
import { onePage } from './one-page';
import type { Records } from './records';

export function fakeRuns({ hostings, runs }: Records): Engine['runs'] {
  const visible = (asker: Asker, id: string): RunDetail => {
    const run = runs.all().find((each) => each.id === id);
    const { id: me, role, username } = person(asker);
    const hosting = hostings.find(run?.stackId ?? '');
    const isOwn = hosting === undefined ? run?.requestedBy === username : hosting.userId === me;
    if (run === undefined || (role !== 'admin' && !isOwn)) throw new EngineError('run_not_found');
    return run;
  };
  return {
    list: async (asker, hostingId, page) => {
      const { id } = hostings.visible(asker, hostingId);
      const all = runs.all().filter(({ stackId }) => stackId === id);
      return onePage(all, page, (run) => run.id).map(withoutLog);
    },
    get: async (asker, id) => visible(asker, id),
    follow: async function* (asker, id) {
      yield visible(asker, id).log;
    },
  };
}

function withoutLog({ log: _log, planText: _text, plan: _plan, ...run }: RunDetail): Run {
  return run;
}

export function fakeDrift({ hostings, people }: Records): Engine['drift'] {
  return {
    list: async ({ limit, after }) =>
      hostings
        .behind(after)
        .filter(({ status }) => status !== 'creating' && status !== 'deleting')
        .slice(0, limit)
        .map(({ id, vmName, userId, status, drift }) => ({
          ...{ hostingId: id, vmName, username: people.withId(userId)?.user.username ?? '-' },
          ...{ isAsleep: status === 'sleeping', ...drift },
        })),
  };
}
