/**
 * The words of durable operations.
 *
 * An operation is a list of steps, each idempotent and recorded before and after it runs. A step that was started
 * is undone when the operation unwinds, even if it never finished: an apply half-succeeds. So every undo must
 * bear being called when its step did nothing, half, all, or when it was undone already.
 */
import type { Failure, OperationKind } from '../model/operation';
import type { Tx } from '../store/database';
import type { Parts } from './parts';

export interface StepContext {
  readonly parts: Parts;
  readonly operationId: string;
  readonly stackId: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Fires on cancel, on handover to another worker, and when the lease is lost. */
  readonly signal: AbortSignal;
  /** True when this step was begun before, by a worker that died or in a try that failed. */
  readonly resumed: boolean;
  /** Why the operation unwinds; null while it goes forward. */
  readonly failure: Failure | null;
  /** A transaction that commits only while this worker holds the stack's lease. */
  write<T>(body: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Call it right before what no write can take back: a worker that was frozen past its lease may wake up here.
   *
   * @throws {Interruption} when the lease may have run out
   */
  assertHeld(): void;
  /** What an earlier step returned. */
  output<T>(step: string): T;
  /** Tells whoever watches; never holds a secret. */
  report(message: string, data?: Readonly<Record<string, unknown>>): void;
}

export interface Step {
  readonly name: string;
  /** Returns what later steps need, as JSON. Absent where accepting the operation already did it. */
  readonly run?: (context: StepContext) => Promise<unknown>;
  readonly undo?: (context: StepContext) => Promise<void>;
  /** Where to begin again when a worker died in this step or it is tried again. @default the step itself */
  readonly restartAt?: string;
}

export interface OperationDefinition {
  readonly kind: OperationKind;
  /** `unwind` undoes what was done; `stick` keeps going back to the failed step: there is no way back from a delete. */
  readonly onFailure: 'unwind' | 'stick';
  readonly steps: readonly Step[];
  /** Which workers take it: see queue.ts. @default boots */
  readonly lane?: 'quick';
  /**
   * Which of those that nobody asked for are not worth a record when they have succeeded: their rows and runs go with
   * their end. @param output  of the last step. @default none
   */
  readonly isNoNews?: (output: unknown) => boolean;
  /** True for what nobody waits for: where the service itself asks for it, users' operations go first. @default false */
  readonly background?: boolean;
}

/** Why a running step was told to stop; found as the reason of its signal. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  constructor(readonly why: 'cancelled' | 'handover' | 'lease-lost') {
    super(why);
  }
}
