/**
 * What the engine offers its callers (api/, cli/). Everything is plain data; times are Date; errors are EngineError.
 */
import type { Limit, Limiter } from './base/limits';
import type { ErrorCode } from './base/errors';
import type { ResourceChange } from './machine/terraform/plan-view';

export type Role = 'user' | 'admin';
export type HostingStatus =
  'creating' | 'running' | 'sleeping' | 'stopped' | 'deleting' | 'deleted' | 'failed' | 'ejected';
/** How a hosting that should run is found to be: `lost` is one whose VM or disk is gone. */
export const hostingTroubles = ['off', 'paused', 'unreachable', 'lost'] as const;
export type HostingTrouble = (typeof hostingTroubles)[number];
export const spareStatuses = ['warming', 'spare', 'saved'] as const;
/** What has no owner yet: being made, or waiting for one. */
export type SpareStatus = (typeof spareStatuses)[number];
export const operationKinds = [
  'create-hosting',
  'delete-hosting',
  'prepare-node',
  'remove-node',
  'remove-orphan',
  'check-drift',
  'apply-stack',
  'plan-hosting',
  'plan-removal',
  'eject-hosting',
  'adopt-hosting',
  'make-spare',
  'claim-spare',
  'remove-spare',
  'sleep-hosting',
  'wake-hosting',
] as const;
export type OperationKind = (typeof operationKinds)[number];
export const operationStatuses = ['pending', 'running', 'succeeded', 'unwinding', 'failed', 'stuck'] as const;
export type OperationStatus = (typeof operationStatuses)[number];

export interface User {
  /** The number in the user's web path. */
  readonly id: number;
  readonly email: string;
  readonly username: string;
  readonly role: Role;
  readonly createdAt: Date;
}

export const tokenScopes = ['hosting:read', 'hosting:write', 'admin'] as const;
export type TokenScope = (typeof tokenScopes)[number];

/** How a caller proved who they are. */
export type Via =
  | { readonly kind: 'session'; readonly id: string; readonly expiresAt: Date }
  | {
      readonly kind: 'token';
      readonly id: string;
      readonly prefix: string;
      readonly scopes: readonly TokenScope[];
    };

export interface Caller {
  readonly user: User;
  readonly via: Via;
}

export interface SignedIn {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly user: User;
}

/** A personal API token, without what must stay secret. */
export interface ApiToken {
  readonly id: string;
  readonly userId: number;
  readonly name: string;
  /** The first twelve characters. */
  readonly prefix: string;
  readonly scopes: readonly TokenScope[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface AuditRecord {
  /** null where nobody had signed in. */
  readonly userId: number | null;
  /** A username, `operator NAME` of the machine, `the service` of its own accord, or `anonymous`. */
  readonly actor: string;
  readonly via: 'session' | 'token' | 'none' | 'machine';
  /** An operationId of the API, or what a command did, e.g. `admin grant`. */
  readonly action: string;
  readonly target: string | null;
  /** Instead of `target`: the account of this address, if there is one. */
  readonly targetEmail?: string;
  /** `begun`: accepted, and going on; its operation tells how it ends. */
  readonly outcome: 'begun' | 'done' | 'refused' | 'failed';
  /** An error code. */
  readonly code: string | null;
  /** `local` for what is done on the machine itself. */
  readonly address: string | null;
  readonly requestId: string | null;
}

export interface AuditEntry extends Omit<AuditRecord, 'targetEmail'> {
  /** Grows; a bigint in decimal. */
  readonly id: string;
  readonly at: Date;
}

/** A part of a list. */
export interface Page {
  readonly limit: number;
  /** The last entry of the page before: an id. @default from the beginning */
  readonly after?: string;
}

export interface AuditFilter extends Page {
  readonly userId?: number;
  readonly action?: string;
}

/** As many entries as a page of any list has at most. */
export const longestPage = 200;

/** Who asks: a user, or an operator on the machine itself, who may see all. */
export type Asker = User | 'operator';

export interface Failure {
  readonly code: ErrorCode;
  /** For the user: what went wrong and what to do next. */
  readonly message: string;
}

export interface Hosting {
  readonly id: string;
  readonly userId: number;
  readonly vmName: string;
  /** What it is meant to be, or what is found in its place while it should run. */
  readonly status: HostingStatus | HostingTrouble;
  readonly image: string;
  readonly ip: string;
  readonly sshPort: number;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly diskGiB: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly webUrl: string;
  readonly subdomainUrl: string;
  readonly sshCommand: string;
  readonly sftpCommand: string;
  /** The VM's SSH host keys as lines for ~/.ssh/known_hosts; empty until the VM has been seen. */
  readonly knownHosts: readonly string[];
  readonly failure: Failure | null;
  /** What the last look for drift found. */
  readonly drift: DriftFound;
  readonly createdAt: Date;
  readonly readyAt: Date | null;
}

/** How a hosting differs from its specification, as the last look found it. */
export interface DriftFound {
  /** null before the first look that succeeded. */
  readonly checkedAt: Date | null;
  readonly differences: readonly string[];
  /** The newest look failed, so that what stands here is older. */
  readonly lookFailed: boolean;
  /** Why it did; null where it did not. */
  readonly lookFailure: Failure | null;
}

/** Which hostings; those that fit one of the names and every other condition. */
export interface HostingFilter {
  /** VM names, hosting ids or usernames; empty for any. */
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly olderThanSeconds: number | null;
  /** @default any */
  readonly status?: NamedHosting['status'];
}

/** A living hosting as lists show it. */
export interface NamedHosting {
  readonly id: string;
  readonly vmName: string;
  /** `-` where nobody owns it. */
  readonly username: string;
  readonly status: HostingStatus | HostingTrouble | SpareStatus;
  readonly createdAt: Date;
  readonly labels: Readonly<Record<string, string>>;
  readonly drift: DriftFound;
}

export interface OperationStep {
  readonly name: string;
  readonly status: 'pending' | 'running' | 'done' | 'failed' | 'undone' | 'undo_failed';
  /** How often it was begun: again after a failure that may pass, and after a worker that died. */
  readonly tries: number;
  /** The first time. */
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

export interface Operation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly status: OperationStatus;
  readonly hostingId: string | null;
  readonly userId: number | null;
  readonly steps: readonly OperationStep[];
  readonly failure: Failure | null;
  readonly cancelRequested: boolean;
  /**
   * What a stuck operation still has hold of, in words for people: `domain vm-1a2b3c4d (running)`, `SSH port 10001`.
   * Empty for every other.
   */
  readonly owns: readonly string[];
  /** 1 is served next; null for one that does not wait in the queue. */
  readonly queuePosition: number | null;
  /** Likely seconds until the end; null where none of its kind ended lately, and for one that has ended. */
  readonly estimatedSeconds: number | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** One of everybody's. */
export interface ListedOperation extends Operation {
  /** null where it is about a node. */
  readonly vmName: string | null;
}

export const spareStates = ['warming', 'waiting', 'saved', 'removing'] as const;
export type SpareState = (typeof spareStates)[number];

/** Counts that only the machine knows that the VMs are on. */
export interface MachineMetrics {
  /** Domains of libvirt by their state; null when libvirt does not answer. Those without our mark are not counted. */
  readonly vms: readonly { readonly state: string; readonly count: number }[] | null;
  /** Of the file system that VMs' disks are on; null when it cannot be told. */
  readonly pool: { readonly freeBytes: number; readonly totalBytes: number } | null;
  /** Workers of Nginx that only wait for their last visitors; null where Nginx runs in a container of its own. */
  readonly draining: readonly { readonly nginx: 'pages' | 'ssh'; readonly count: number }[] | null;
}

/** How the service does, as counts. Every kind and status is there, with 0 where there is none. */
export interface Metrics extends MachineMetrics {
  /** Those that have not ended, and the stuck ones. */
  readonly operations: readonly { kind: OperationKind; status: OperationStatus; count: number }[];
  /** Seconds since the oldest operation of a status was accepted; 0 when there is none. */
  readonly oldestOperations: readonly { status: OperationStatus; seconds: number }[];
  /** Those that have not ended. */
  readonly hostings: readonly { status: HostingStatus; count: number }[];
  /** VMs that nobody owns yet. */
  readonly spares: readonly { state: SpareState; count: number }[];
  /** What the newest sweep found; null before the first one. */
  readonly sweep: { ageSeconds: number; findings: readonly { kind: string; count: number }[] } | null;
  readonly sshPorts: { used: number; total: number };
  /** Of running hostings: how many differ, whose last look failed, and since when the one looked at longest ago was. */
  readonly drift: { hostings: number; failedLooks: number; oldestLookSeconds: number };
  /** What waits to be worked on, and for how long the first of it could have been taken; 0 when there is none. */
  readonly queue: { readonly waiting: number; readonly running: number; readonly oldestSeconds: number };
  /** Rights to work on a stack: held now, and left behind by an owner that did not give them back. */
  readonly leases: { readonly held: number; readonly expired: number };
  /** In use or wanted. */
  readonly certificates: readonly {
    readonly name: string;
    /** null when there is none yet. */
    readonly secondsLeft: number | null;
    /** Tries in a row that failed. */
    readonly failures: number;
  }[];
  /** What took how long, added up since the beginning and over all workers. */
  readonly measures: readonly Measured[];
}

export interface Measured {
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Upper bound in seconds -> how many took at most so long. */
  readonly buckets: readonly { readonly atMost: number; readonly count: number }[];
  readonly count: number;
  readonly seconds: number;
}

export interface OperationEvent {
  /** Counts an operation's events from 1; a client that reconnects sends the last one it saw. */
  readonly id: string;
  readonly operationId: string;
  readonly at: Date;
  /** e.g. `operation.running`, `step.running`, `step.done`, `step.failed`, `operation.succeeded`. */
  readonly type: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a plan does to one resource. */
export type { AttributeChange, ResourceChange } from './machine/terraform/plan-view';

export interface PlanReport {
  readonly operationId: string;
  /** null where no plan was possible: the disk is gone, and `differences` says so. */
  readonly runId: string | null;
  readonly at: Date;
  /** Everything that differs, also what Terraform does not see, one line each; agreeing to a plan means these. */
  readonly differences: readonly string[];
  /** What an apply of the plan would do; values that are sensitive are masked, here and below. */
  readonly changes: readonly ResourceChange[];
  /** As Terraform shows it, without colours. */
  readonly text: string;
  /** Terraform's plan JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** One plan, apply or destroy of a stack. */
export interface Run {
  readonly id: string;
  readonly stackId: string;
  readonly operationId: string | null;
  readonly kind: 'plan' | 'apply' | 'destroy';
  /** The machine that it ran on. */
  readonly host: string;
  /** Name -> version, e.g. `terraform` -> `Terraform 1.11.4`. */
  readonly tools: Readonly<Record<string, string>>;
  /** null where the service itself asked. */
  readonly requestedBy: string | null;
  readonly startedAt: Date;
  /** null while it runs, and when its worker died. */
  readonly finishedAt: Date | null;
  readonly exitCode: number | null;
  /** The whole run first, then each resource: a waterfall. */
  readonly phases: readonly { readonly phase: string; readonly startMs: number; readonly ms: number }[];
  readonly changes: readonly ResourceChange[];
}

export interface RunDetail extends Run {
  /** Without colours and secrets. */
  readonly log: string;
  readonly planText: string | null;
  /** Terraform's plan JSON, masked; only of plans. */
  readonly plan: Readonly<Record<string, unknown>> | null;
}

export interface HostingDrift extends DriftFound {
  readonly hostingId: string;
  /** One that sleeps is not looked at: its VM is off, and is meant to be. */
  readonly isAsleep: boolean;
  readonly vmName: string;
  readonly username: string;
}

export interface ApplyInput {
  /** Makes an empty disk where the user's is gone; without it such an apply is refused. */
  readonly recreateDisk: boolean;
  /** The differences that somebody was shown and agreed to; null applies whatever is found. */
  readonly agreed: readonly string[] | null;
}

/** What an account and its hosting are grouped by. */
export interface UserLabels {
  readonly username: string;
  /** Of the account: an administrator's, for each hosting that its user has. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of the hosting that there is. */
  readonly vmName: string | null;
  /** All of that hosting. */
  readonly hostingLabels: Readonly<Record<string, string>> | null;
}

export interface CreateHostingInput {
  /** One OpenSSH public key line; without one a key pair is made. */
  readonly sshPublicKey?: string;
  /** To group hostings by, e.g. {course: 'cs101'}. @default those of the user's last hosting */
  readonly labels?: Readonly<Record<string, string>>;
  readonly idempotencyKey?: string;
}

/** A domain that a user brought. */
export interface Domain {
  /** In lower case, international ones as `xn--…`. */
  readonly name: string;
  /** Only then it is served. */
  readonly proved: boolean;
  readonly url: string;
  /** One of these two proves it: a TXT record, */
  readonly record: { readonly name: string; readonly value: string };
  /** or a file that the domain serves by http from where it is now. */
  readonly file: { readonly path: string; readonly content: string };
  readonly createdAt: Date;
}

export interface AcceptedHosting {
  readonly hosting: Hosting;
  readonly operation: Operation;
  /** OpenSSH private key, given exactly once, and only when the caller sent no public key. */
  readonly sshPrivateKey: string | null;
}

// prettier-ignore
export const componentNames = [
  'postgres', 'queue', 'redis', 'libvirt', 'network', 'vms', 'nginx', 'terraform', 'disk',
] as const;

export interface ComponentHealth {
  /** redis only where one is configured. */
  readonly name: (typeof componentNames)[number];
  readonly status: 'ok' | 'degraded' | 'down';
  readonly latencyMs: number;
  /** e.g. a version, or what to do about it. */
  readonly detail: string;
}

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
