/** A durable operation as its callers see it. */
import type { ErrorCode } from '../base/errors';

export const operationKinds = [
  'create-hosting',
  'delete-hosting',
  'prepare-node',
  'remove-node',
  'remove-orphan',
  'plan-apply',
  'apply-hosting',
  'plan-create',
  'plan-delete',
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

export interface Failure {
  readonly code: ErrorCode;
  /** For the user: what went wrong and what to do next. */
  readonly message: string;
}

export interface OperationStep {
  readonly name: string;
  readonly status: 'pending' | 'running' | 'done' | 'failed' | 'undone' | 'undo_failed';
  /** How often it was started; it is restarted after a temporary failure, and after its worker died. */
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
   * Resources that a stuck operation still holds, in words for people: `domain vm-1a2b3c4d (running)`, `SSH port 10001`.
   * Empty for all others.
   */
  readonly owns: readonly string[];
  /** 1 is next; null if it does not wait in the queue. */
  readonly queuePosition: number | null;
  /** Estimated seconds until the end; null if none of its kind ended recently, or if it has ended. */
  readonly estimatedSeconds: number | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** An operation in the list of all users' operations. */
export interface ListedOperation extends Operation {
  /** null if it is about a node. */
  readonly vmName: string | null;
}

export interface OperationEvent {
  /** Number of the event within its operation, from 1; a client that reconnects sends the last one it received. */
  readonly id: string;
  readonly operationId: string;
  readonly at: Date;
  /** e.g. `operation.running`, `step.running`, `step.done`, `step.failed`, `operation.succeeded`. */
  readonly type: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}
