/**
 * An Engine that keeps everything in memory and behaves as the interface says: unique e-mails and usernames,
 * tokens that expire by being revoked, one hosting per user, idempotency keys, operations with events.
 *
 * Operations end by themselves at once, or when the test says so (`operationsEnd: 'by-hand'`). `break()` makes a
 * method throw, for the roads that lead through errors.
 */
import { memoryLimiter } from '../../engine/base/limits';
import type { ApplyInput, AuditEntry, CreateHostingInput, Engine, Hosting } from '../../engine';
import { fakeAccounts, fakeUsernames } from './engine/accounts';
import { fakeAudit } from './engine/audit';
import { type Broken, brokenCalls } from './engine/broken';
import { type Condition, fakeHealth, fakeMetrics, healthy } from './engine/condition';
import { fakeDomains } from './engine/domains';
import { hostingRecords } from './engine/hosting-records';
import { fakeHostings } from './engine/hostings';
import { fakeLabels } from './engine/labels';
import { type OperationRecords, operationRecords } from './engine/operation-records';
import { type Asked, fakeOperations } from './engine/operations';
import { fakePeople } from './engine/people';
import { fakePlans } from './engine/plans';
import type { Records } from './engine/records';
import { runRecords } from './engine/run-records';
import { fakeDrift, fakeRuns } from './engine/runs';
import { fakeSleep } from './engine/sleep';
import { fakeTokens } from './engine/tokens';

export interface FakeEngineOptions {
  /** @default 'at-once' */
  readonly operationsEnd?: 'at-once' | 'by-hand';
}

export interface FakeEngine extends Engine {
  readonly fakeOperations: OperationRecords & Asked;
  readonly audited: readonly AuditEntry[];
  /** How it says it is. */
  readonly condition: Condition;
  /** Names of domains whose proof is there. */
  readonly proved: Set<string>;
  readonly break: Broken['break'];
  /** What the last create was asked for. */
  lastCreate(): CreateHostingInput | undefined;
  lastApply(): ApplyInput | undefined;
  makeAdmin(email: string): void;
  /** Ends every session. */
  revokeTokens(): void;
  /** Makes a hosting look as the test needs it. */
  alter(username: string, change: Partial<Hosting>): void;
  /** Makes a hosting differ from its specification; the next look at it finds out. */
  differ(username: string, differences: readonly string[]): void;
}

export function fakeEngine({ operationsEnd = 'at-once' }: FakeEngineOptions = {}): FakeEngine {
  const records = recordsWhere(operationsEnd);
  const { broken, hostings, operations, people } = records;
  const audited: AuditEntry[] = [];
  const condition = healthy();
  const proved = new Set<string>();
  const tokens = fakeTokens();
  const labels = fakeLabels(records);
  const accounts = fakeAccounts({ ...records, tokens });
  const { asEngineSees: ofUsers, asked } = fakeHostings(records, labels.of);
  const plans = fakePlans(records);
  const callers: OperationRecords & Asked = {
    ...operations,
    ...{ interested: 0, lastTimeoutMs: undefined, lastListed: undefined },
  };
  const change = (username: string, act: (hostingId: string) => void): void => {
    const user = people.named(username)?.user;
    const hosting = user && hostings.of(user);
    if (hosting === undefined) throw new Error(`${username} has no hosting`);
    act(hosting.id);
  };
  return {
    limiter: (_, limit) => memoryLimiter(limit),
    accounts: accounts.asEngineSees,
    usernames: fakeUsernames(people),
    tokens: tokens.asEngineSees,
    audit: fakeAudit(audited, people, broken),
    hostings: ofUsers,
    sleep: fakeSleep(records),
    labels: labels.asEngineSees,
    domains: fakeDomains(records, proved),
    operations: fakeOperations(operations, callers, (id) => hostings.find(id)?.userId),
    plans: plans.asEngineSees,
    runs: fakeRuns(records),
    drift: fakeDrift(records),
    health: fakeHealth(condition, broken),
    metrics: fakeMetrics(condition, broken),
    close: async () => {
      operations.endAll();
    },
    ...{ fakeOperations: callers, audited, condition, proved, break: broken.break },
    lastCreate: () => asked.at(-1),
    lastApply: () => plans.applies.at(-1),
    makeAdmin: (email) => {
      const person = people.withEmail(email);
      if (person !== undefined) person.user = { ...person.user, role: 'admin' };
    },
    revokeTokens: accounts.revokeTokens,
    alter: (username, changed) => {
      change(username, (id) => {
        hostings.change(id, changed);
      });
    },
    differ: (username, differences) => {
      change(username, (id) => {
        plans.differ(id, differences);
      });
    },
  };
}

function recordsWhere(operationsEnd: 'at-once' | 'by-hand'): Records {
  const people = fakePeople();
  const operations = operationRecords();
  const soon = (id: string): void => {
    if (operationsEnd === 'at-once') setImmediate(() => operations.work(id));
  };
  return {
    ...{ people, operations },
    ...{ broken: brokenCalls(), hostings: hostingRecords(), runs: runRecords(people) },
    begin: (given) => {
      const operation = operations.begin(given);
      soon(operation.id);
      return operation;
    },
    resume: (id) => {
      operations.resume(id);
      soon(id);
      return operations.known(id);
    },
  };
}
