/** What the engine offers its callers (api/, cli/). Everything is plain data; times are Date; errors are EngineError. */
import type { Limit, Limiter } from './base/limits';
import type { Accounts, Usernames } from './accounts/accounts';
import type { AuditLog } from './audit/audit';
import type { Domains } from './certificates/domains';
import type { Drift } from './plans/drift';
import type { Health } from './monitoring/health';
import type { Hostings } from './hostings/hostings';
import type { Labels } from './hostings/labels';
import type { MetricsSource } from './monitoring/metrics';
import type { Operations } from './durable/operations';
import type { Plans } from './plans/plans';
import type { Runs } from './hostings/runs';
import type { Sleep } from './sleep/sleep';
import type { Tokens } from './accounts/personal-tokens';

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
  readonly drift: Drift;
  readonly health: Health;
  readonly metrics: MetricsSource;
  /** Stops taking jobs, hands over what runs, closes connections. */
  close(): Promise<void>;
}
