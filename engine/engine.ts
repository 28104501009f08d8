/**
 * What the engine offers its callers (api/, cli/). Everything is plain data; times are Date; errors are EngineError.
 */
import type { ErrorCode } from './errors';
import type { ResourceChange } from './terraform/plan-view';

export type Role = 'user' | 'admin';
export type HostingStatus =
  'creating' | 'running' | 'stopped' | 'deleting' | 'deleted' | 'failed' | 'ejected';
/** What has no owner yet: being made, or waiting for one. */
export type SpareStatus = 'warming' | 'spare';
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
  readonly status: HostingStatus;
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
  readonly createdAt: Date;
  readonly readyAt: Date | null;
}

export interface OperationStep {
  readonly name: string;
  readonly status: 'pending' | 'running' | 'done' | 'failed' | 'undone' | 'undo_failed';
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
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** One of everybody's. */
export interface ListedOperation extends Operation {
  /** null where it is about a node. */
  readonly vmName: string | null;
}

/** As many operations as a list gives at most. */
export const longestOperationList = 200;

export const spareStates = ['warming', 'waiting', 'removing'] as const;
export type SpareState = (typeof spareStates)[number];

/** How the service does, as counts. Every kind and status is there, with 0 where there is none. */
export interface Metrics {
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
export type { AttributeChange, ResourceChange } from './terraform/plan-view';

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

export interface HostingDrift {
  readonly hostingId: string;
  readonly vmName: string;
  readonly username: string;
  /** null before the first look. */
  readonly checkedAt: Date | null;
  readonly differences: readonly string[];
}

export interface ApplyInput {
  /** Makes an empty disk where the user's is gone; without it such an apply is refused. */
  readonly recreateDisk: boolean;
  /** The differences that somebody was shown and agreed to; null applies whatever is found. */
  readonly agreed: readonly string[] | null;
}

export interface CreateHostingInput {
  /** One OpenSSH public key line; without one a key pair is made. */
  readonly sshPublicKey?: string;
  /** To group hostings by, e.g. {course: 'cs101'}. @default {} */
  readonly labels?: Readonly<Record<string, string>>;
  readonly idempotencyKey?: string;
}

export interface AcceptedHosting {
  readonly hosting: Hosting;
  readonly operation: Operation;
  /** OpenSSH private key, given exactly once, and only when the caller sent no public key. */
  readonly sshPrivateKey: string | null;
}

export interface ComponentHealth {
  readonly name: 'postgres' | 'queue' | 'libvirt' | 'nginx' | 'terraform' | 'disk';
  readonly status: 'ok' | 'degraded' | 'down';
  readonly latencyMs: number;
  /** e.g. a version, or what to do about it. */
  readonly detail: string;
}

export interface Engine {
  readonly accounts: {
    /** @throws email_taken, username_taken, validation_failed */
    register(input: { email: string; password: string; username: string }): Promise<User>;
    /** Signs a user in. @throws invalid_credentials (the same, after the same time, for unknown users) */
    login(input: {
      email: string;
      password: string;
    }): Promise<{ accessToken: string; expiresInSeconds: number; user: User }>;
    /** @throws unauthorized */
    authenticate(accessToken: string): Promise<User>;
  };
  readonly hostings: {
    /** Accepts the request in one transaction. @throws quota_exceeded, ports_exhausted, addresses_exhausted, validation_failed, idempotency_key_reused, node_not_ready */
    create(user: User, input: CreateHostingInput): Promise<AcceptedHosting>;
    /** A hosting of this user, ended or not. @throws hosting_not_found */
    get(user: User, id: string): Promise<Hosting>;
    /** The user's living hosting. @throws hosting_not_found */
    mine(user: User): Promise<Hosting>;
    /** Accepts the removal; a create that is still running is cancelled first. @throws hosting_not_found */
    delete(user: User): Promise<Operation>;
  };
  readonly operations: {
    /** An operation of this user (an admin sees all). @throws operation_not_found */
    get(user: User, id: string): Promise<Operation>;
    /** Everybody's, newest first, at most `limit` (and never more than 200). The caller must be an operator. */
    list(options: { status?: OperationStatus; limit: number }): Promise<readonly ListedOperation[]>;
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
    /** Brings the hosting back to its specification. @throws hosting_not_found */
    apply(asker: Asker, hostingId: string | null, input: ApplyInput): Promise<Operation>;
    /** The plan that an operation made. @throws why there is none */
    of(operation: Pick<Operation, 'id'>): Promise<PlanReport>;
  };
  readonly runs: {
    /** Newest first. @throws hosting_not_found */
    list(asker: Asker, hostingId: string | null, limit: number): Promise<readonly Run[]>;
    /** @throws run_not_found */
    get(asker: Asker, id: string): Promise<RunDetail>;
    /** What the run says, from its beginning, as it says it; ends with the run or with `signal`. @throws run_not_found */
    follow(asker: Asker, id: string, options: { signal: AbortSignal }): AsyncIterable<string>;
  };
  readonly drift: {
    /** Of every running hosting, those that differ first. The caller must be an operator. */
    list(): Promise<readonly HostingDrift[]>;
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
