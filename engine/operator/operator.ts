/** What a command line does with hostings, wherever it runs: on the machine itself, or by a service's API. */
import type { ApplyInput, HostingDrift, PlanReport, Run, RunDetail } from '../model/plan';
import type { HostingFilter, NamedHosting } from '../model/hosting';
import type { ListedOperation, OperationStatus } from '../model/operation';
import type { UserLabels } from '../model/account';
import type { TeardownOptions, TornDown } from './teardown/take-down';

export interface LabelChange {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

export interface Operator {
  /** Where the work is done, for questions: `this machine`, or a service's address. */
  readonly place: string;
  /**
   * @param text  a hosting's id, a VM's name or a username; null for the caller's own, which only a service knows
   * @throws {EngineError} hosting_not_found; validation_failed where there is no caller, or several can be meant
   */
  find(text: string | null): Promise<NamedHosting>;
  /** Living hostings, the oldest first. */
  select(filter: HostingFilter): Promise<readonly NamedHosting[]>;
  plan(hostingId: string): Promise<PlanReport>;
  /** What a create for this user would make. */
  planNew(username: string): Promise<PlanReport>;
  /** @param onProgress  told each step */
  apply(hostingId: string, input: ApplyInput, onProgress: (message: string) => void): Promise<void>;
  runs(hostingId: string, limit: number): Promise<readonly Run[]>;
  run(id: string): Promise<RunDetail>;
  followRun(id: string): AsyncIterable<string>;
  drift(): Promise<readonly HostingDrift[]>;
  /** Newest first; a stuck one with what it still owns. */
  operations(options: { status?: OperationStatus; limit: number }): Promise<readonly ListedOperation[]>;
  /** Adds to the labels of an account, and takes some away. @returns those that it has then. @throws {EngineError} not_found */
  label(username: string, change: LabelChange): Promise<UserLabels>;
  tearDown(hostings: readonly NamedHosting[], options: TeardownOptions): Promise<TornDown[]>;
}

/** Null where nothing is to be changed. */
export function relabelled(
  labels: Readonly<Record<string, string>>,
  { set, remove }: LabelChange,
): Record<string, string> | null {
  if (Object.keys(set).length === 0 && remove.length === 0) return null;
  return Object.fromEntries(Object.entries({ ...labels, ...set }).filter(([name]) => !remove.includes(name)));
}

/** Those that need somebody before those that do not; the longest unseen first. */
export function differingFirst(found: readonly HostingDrift[]): HostingDrift[] {
  const seen = ({ checkedAt }: HostingDrift): number => checkedAt?.getTime() ?? Infinity;
  return [...found].sort(
    (a, b) =>
      Number(a.differences.length === 0) - Number(b.differences.length === 0) || seen(a) - seen(b) || 0,
  );
}
