/**
 * What the engine offers its callers (api/, cli/). Everything is plain data; times are Date; errors are EngineError.
 */
import type { Limit, Limiter } from './base/limits';
import type { AcceptedHosting, CreateHostingInput, Domain, Hosting, HostingFilter, NamedHosting } from './model/hosting';
import type { ApiToken, Asker, Caller, SignedIn, TokenScope, User, UserLabels } from './model/account';
import type { ApplyInput, HostingDrift, PlanReport, Run, RunDetail } from './model/plan';
import type { AuditEntry, AuditFilter, AuditRecord } from './model/audit';
import type { ComponentHealth, Metrics } from './model/metrics';
import type { ListedOperation, Operation, OperationEvent, OperationStatus } from './model/operation';
import type { Page } from './model/page';


export interface Engine {
  /** A limit of this name, for all API processes together where they share a Redis, else for this one. */
  limiter(name: string, limit: Limit): Limiter;
  readonly accounts: {
    /** @throws email_taken, username_taken, username_retired, validation_failed */
    register(input: { email: string; password: string; username: string }): Promise<User>;
    /**
     * Signs a user in.
     *
     * @param input.address  where the attempt comes from
     * @throws invalid_credentials (the same, after the same time, for unknown users), too_many_attempts
     */
    login(input: { email: string; password: string; address?: string }): Promise<SignedIn>;
    /** Takes access tokens and personal API tokens. @throws unauthorized */
    authenticate(accessToken: string): Promise<Caller>;
    /** Voids the caller's access token, or all of the user's. Personal API tokens stay. */
    logout(caller: Caller, options: { everywhere: boolean }): Promise<void>;
    /** Voids every access token of the user and gives a new one. @throws wrong_password, too_many_attempts */
    changePassword(
      caller: Caller,
      input: { current: string; next: string; address?: string },
    ): Promise<SignedIn>;
    /** @throws wrong_password, too_many_attempts, hosting_exists */
    delete(caller: Caller, input: { password: string; address?: string }): Promise<void>;
  };
  /** Usernames that rest after their accounts have gone. */
  readonly usernames: {
    /** Whoever registers it next gets it. @throws not_found */
    release(username: string): Promise<void>;
  };
  /** Personal API tokens. */
  readonly tokens: {
    /** The token itself is given here and never again. @throws forbidden, quota_exceeded */
    create(
      user: User,
      input: { name: string; scopes: readonly TokenScope[]; days: number },
    ): Promise<{ token: string; made: ApiToken }>;
    /** Those that are good, newest first. */
    list(user: User): Promise<readonly ApiToken[]>;
    /** @throws token_not_found */
    revoke(user: User, id: string): Promise<void>;
  };
  readonly audit: {
    record(record: AuditRecord): Promise<void>;
    /** Newest first. The caller must be an operator. */
    list(filter: AuditFilter): Promise<readonly AuditEntry[]>;
  };
  readonly hostings: {
    /** Accepts the request in one transaction. @throws quota_exceeded, ports_exhausted, addresses_exhausted, validation_failed, idempotency_key_reused, node_not_ready */
    create(user: User, input: CreateHostingInput): Promise<AcceptedHosting>;
    /** A hosting of this user, ended or not. @throws hosting_not_found */
    get(user: User, id: string): Promise<Hosting>;
    /** Has the user's hosting woken. @returns null when it is awake. @throws hosting_not_found, hosting_busy */
    wake(user: User): Promise<Operation | null>;
    /** The user's living hosting. @throws hosting_not_found */
    mine(user: User): Promise<Hosting>;
    /** Accepts the removal; a create that is still running is cancelled first. @throws hosting_not_found */
    delete(user: User): Promise<Operation>;
    /** The same for any hosting that the asker may see. @throws hosting_not_found */
    remove(asker: Asker, id: string): Promise<Operation>;
    /** Living hostings of everybody, the oldest first, from behind `after` on. The caller must be an operator. */
    list(filter: HostingFilter, page: Page): Promise<readonly NamedHosting[]>;
  };
  /** Of accounts. The caller must be an operator. */
  readonly labels: {
    /** @throws not_found */
    of(username: string): Promise<UserLabels>;
    /** In the place of those that the account had. @throws not_found */
    set(username: string, labels: Readonly<Record<string, string>>): Promise<UserLabels>;
  };
  /** Of the user's living hosting. @throws hosting_not_found */
  readonly domains: {
    list(user: User): Promise<readonly Domain[]>;
    /** Adds one that is yet to be proved; one that is there stays. @throws validation_failed, too_many_domains */
    add(user: User, name: string): Promise<Domain>;
    /** Looks for the proof, and serves the domain when it is there. @throws domain_not_found, domain_not_proved, domain_taken */
    verify(user: User, name: string): Promise<Domain>;
    /** Takes it away with its certificate. @throws domain_not_found */
    remove(user: User, name: string): Promise<void>;
  };
  readonly operations: {
    /** An operation of this user (an admin sees all). @throws operation_not_found */
    get(user: User, id: string): Promise<Operation>;
    /** Everybody's, newest first. The caller must be an operator. */
    list(options: Page & { status?: OperationStatus }): Promise<readonly ListedOperation[]>;
    /** Resolves with the operation when it has ended or when time is up, whichever is first. */
    wait(id: string, options: { timeoutMs: number; signal?: AbortSignal }): Promise<Operation>;
    /** Past events after `afterId`, then live ones; ends when the operation has ended or `signal` fires. */
    events(id: string, options: { afterId?: string; signal: AbortSignal }): AsyncIterable<OperationEvent>;
    /** Asks a queued or running operation to unwind. @throws operation_not_found, not_cancellable */
    cancel(user: User, id: string): Promise<Operation>;
  };
  /** Each is an operation: wait for it, then ask for its plan. A hosting of `null` is the user's living one. */
  readonly plans: {
    /** Plans the hosting anew, changing nothing. @throws hosting_not_found */
    request(asker: Asker, hostingId: string | null): Promise<Operation>;
    /** Plans a hosting that is not made. */
    requestNew(user: User, input: Pick<CreateHostingInput, 'sshPublicKey'>): Promise<Operation>;
    /** The same for any user. The caller must be an operator. @throws not_found */
    requestNewFor(username: string): Promise<Operation>;
    /** Plans what a removal would take away. @throws hosting_not_found */
    requestRemoval(asker: Asker, hostingId: string): Promise<Operation>;
    /** Brings the hosting back to its specification. @throws hosting_not_found */
    apply(asker: Asker, hostingId: string | null, input: ApplyInput): Promise<Operation>;
    /** The plan that an operation made. @throws why there is none */
    of(operation: Pick<Operation, 'id'>): Promise<PlanReport>;
  };
  readonly runs: {
    /** Newest first. @throws hosting_not_found */
    list(asker: Asker, hostingId: string | null, page: Page): Promise<readonly Run[]>;
    /** @throws run_not_found */
    get(asker: Asker, id: string): Promise<RunDetail>;
    /** What the run says, from its beginning, as it says it; ends with the run or with `signal`. @throws run_not_found */
    follow(asker: Asker, id: string, options: { signal: AbortSignal }): AsyncIterable<string>;
  };
  readonly drift: {
    /** Of every running hosting, the oldest first. The caller must be an operator. */
    list(page: Page): Promise<readonly HostingDrift[]>;
  };
  readonly health: {
    /** True when requests can be accepted. */
    basic(): Promise<boolean>;
    detailed(): Promise<readonly ComponentHealth[]>;
  };
  readonly metrics: {
    read(): Promise<Metrics>;
  };
  /** Stops taking jobs, hands over what runs, closes connections. */
  close(): Promise<void>;
}
