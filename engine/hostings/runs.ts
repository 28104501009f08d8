/** Terraform's runs, as they are shown to the hosting's owner, to administrators and to operators. */
import type { Page } from '../model/page';
import { setTimeout as delay } from 'node:timers/promises';
import type { Asker } from '../model/account';
import type { Run, RunDetail } from '../model/plan';
import { EngineError } from '../base/errors';
import type { EventBus, Parts } from '../durable';
import type { Tx } from '../store/database';
import { findHosting } from '../store/hostings';
import { visibleHosting } from './visible';
import { findRun, type ListedRun, logSince, runsOf, type WholeRun, wholeRun } from '../store/runs';

export interface Runs {
  /** Newest first. @throws hosting_not_found */
  list(asker: Asker, hostingId: string | null, page: Page): Promise<readonly Run[]>;
  /** @throws run_not_found */
  get(asker: Asker, id: string): Promise<RunDetail>;
  /** What the run says, from its beginning, as it says it; ends with the run or with `signal`. @throws run_not_found */
  follow(asker: Asker, id: string, options: { signal: AbortSignal }): AsyncIterable<string>;
}

/** Notifications may be lost with their connection; then this is how late a line is seen. */
const lookAgainMs = 2_000;

export function runs({ database }: Pick<Parts, 'database'>, bus: EventBus): Runs {
  const { direct } = database;
  return {
    list: async (asker, hostingId, page) => {
      const hosting = await visibleHosting(direct, asker, hostingId);
      return (await runsOf(direct, hosting.id, page)).map(toRun);
    },
    get: async (user, id) => {
      await visibleRun(direct, user, id);
      return toDetail((await wholeRun(direct, id)) ?? noSuchRun());
    },
    follow: async function* (user, id, { signal }) {
      await visibleRun(direct, user, id);
      yield* follow(direct, bus, id, signal);
    },
  };
}

async function* follow(tx: Tx, bus: EventBus, id: string, signal: AbortSignal): AsyncGenerator<string> {
  let told = 0;
  while (!signal.aborted) {
    const waiting = new AbortController();
    const stop = (): void => {
      waiting.abort();
    };
    // before the look, so that nothing between looking and waiting is missed
    const unsubscribe = bus.subscribe(id, stop);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const since = await logSince(tx, id, told);
      if (since === null) return;
      if (since.text !== '') yield since.text;
      // PostgreSQL counts characters, JavaScript halves of some
      told += [...since.text].length;
      if (since.hasEnded) return;
      await delay(lookAgainMs, undefined, { signal: waiting.signal }).catch(() => undefined);
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', stop);
    }
  }
}

/**
 * A run of a stack that is no hosting's (a node's, a dry run's) is shown to administrators, to operators, and to the user
 * who asked for it.
 */
async function visibleRun(tx: Tx, asker: Asker, id: string): Promise<ListedRun> {
  const run = await findRun(tx, id);
  const hosting = run === null ? null : await findHosting(tx, run.stackId);
  const mayAll = asker === 'operator' || asker.role === 'admin';
  const own =
    !mayAll && (hosting === null ? run?.requestedBy === asker.username : hosting.userId === asker.id);
  return run !== null && (mayAll || own) ? run : noSuchRun();
}

function noSuchRun(): never {
  throw new EngineError('run_not_found');
}

export function toRun(row: ListedRun): Run {
  const { id, stackId, operationId, kind, host, tools, startedAt, finishedAt, exitCode, requestedBy } = row;
  return {
    ...{ id, stackId, operationId, kind, host, tools, startedAt, finishedAt, exitCode, requestedBy },
    phases: row.timings,
    changes: row.changes ?? [],
  };
}

export function toDetail(row: WholeRun): RunDetail {
  return { ...toRun(row), log: row.log, planText: row.planText, plan: row.plan };
}
