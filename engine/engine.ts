/** What the engine offers its callers (api/, cli/). Everything is plain data; times are Date; errors are EngineError. */
import type { Limit, Limiter } from './base/limits';
import type { Accounts, Tokens, Usernames } from './accounts';
import type { AuditLog } from './audit';
import type { Domains } from './certificates';
import type { DriftOverview, Plans } from './plans';
import type { Health, MetricsSource } from './monitoring';
import type { Hostings, Labels, Runs } from './hostings';
import type { Operations } from './durable';
import type { Sleep } from './sleep';

export interface Engine {
  /** A limit of this name, for all API processes together where they share a Redis, else for this one. */
  limiter(name: string, limit: Limit): Limiter;
  readonly accounts: Accounts;
  readonly usernames: Usernames;
  readonly tokens: Tokens;
  readonly audit: AuditLog;
  readonly hostings: Hostings;
  readonly sleep: Sleep;
  readonly labels: Labels;
  readonly domains: Domains;
  readonly operations: Operations;
  readonly plans: Plans;
  readonly runs: Runs;
  readonly drift: DriftOverview;
  readonly health: Health;
  readonly metrics: MetricsSource;
  /** Stops taking jobs, hands over what runs, closes connections. */
  close(): Promise<void>;
}
