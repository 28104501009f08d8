/**
 * The vocabulary of durable operations.
 *
 * An operation is a list of steps, each idempotent and recorded before and after it runs. A step that was started
 * is undone when the operation unwinds, even if it never finished: an apply half-succeeds. So every undo must
 * be safe to call when its step did nothing, half or all of its work, or was already undone.
 */
import type { Failure, OperationKind } from '../model/operation';
import type { Tx } from '../store/database';
import type { Parts } from './parts';

export interface StepContext {
  readonly parts: Parts;
  readonly operationId: string;
  readonly stackId: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Fires on cancellation, on handover to another worker, and when the lease is lost. */
  readonly signal: AbortSignal;
  /** True if this step was started before, by a worker that died or in a try that failed. */
  readonly resumed: boolean;
  /** Why the operation is unwinding; null while it goes forward. */
  readonly failure: Failure | null;
  /** A transaction that commits only while this worker holds the stack's lease. */
  write<T>(body: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Call it right before an action that no write can undo: a worker that was frozen past its lease may wake up here.
   *
   * @throws {Interruption} if the lease may have expired
   */
  assertHeld(): void;
  /** What an earlier step returned. */
  output<T>(step: string): T;
  /** Reports progress to anyone who watches; must not contain a secret. */
  report(message: string, data?: Readonly<Record<string, unknown>>): void;
}

export interface Step {
  readonly name: string;
  /** Returns what later steps need, as JSON. Absent if accepting the operation already did the work. */
  readonly run?: (context: StepContext) => Promise<unknown>;
  readonly undo?: (context: StepContext) => Promise<void>;
  /** The step to restart from if a worker died in this step, or it is retried. @default the step itself */
  readonly restartAt?: string;
}

export interface OperationDefinition {
  readonly kind: OperationKind;
  /** `unwind` undoes what was done; `stick` keeps retrying the failed step: a delete cannot be undone. */
  readonly onFailure: 'unwind' | 'stick';
  readonly steps: readonly Step[];
  /** Which workers take it; see queue.ts. @default boots */
  readonly lane?: 'quick';
  /**
   * Whether a success that nobody asked for is not worth a record: its rows and runs are deleted when it ends.
   * @param output  of the last step. @default never
   */
  readonly isNoNews?: (output: unknown) => boolean;
  /** True if nobody waits for it: if the service itself requests it, users' operations go first. @default false */
  readonly background?: boolean;
}

/** Why a running step has to stop; it is the reason of the step's signal. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  constructor(readonly why: 'cancelled' | 'handover' | 'lease-lost') {
    super(why);
  }
}
