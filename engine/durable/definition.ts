/**
 * The vocabulary of durable operations.
 *
 * An operation is a list of steps, each idempotent and recorded before and after it runs. A step that was started
 * is undone when the operation unwinds, even if it never finished: an apply half-succeeds. So every undo must
 * be safe to call when its step did nothing, half or all of its work, or was already undone.
 */
import type { z } from 'zod';
import type { Log } from '../base/log';
import type { Failure, OperationKind } from '../model/operation';
import type { Tx } from '../store/database';

/** What every step has, whatever it needs besides. */
export interface Basics<Input = unknown> {
  readonly operationId: string;
  readonly stackId: string;
  readonly input: Input;
  /** Fires on cancellation, on handover to another worker, and when the lease is lost. */
  readonly signal: AbortSignal;
  /** True if this step was started before, by a worker that died or in a try that failed. */
  readonly resumed: boolean;
  /** Why the operation is unwinding; null while it goes forward. */
  readonly failure: Failure | null;
  /** Each line names the operation. */
  readonly log: Log;
  /** A transaction that commits only while this worker holds the stack's lease. */
  write<T>(body: (tx: Tx) => Promise<T>): Promise<T>;
  /** Tells whoever watches; never holds a secret. */
  report(message: string, data?: Readonly<Record<string, unknown>>): void;
}

/** What ports are made from: a step, and its worker's hold on the stack. */
export interface HeldStep extends Basics {
  /**
   * Call it right before an action that no write can undo: a worker that was frozen past its lease may wake up here.
   *
   * @throws {Interruption} if the lease may have expired
   */
  assertHeld(): void;
}

/** All that the runner has for a step; its body sees only the ports that its operation has named. */
export interface StepContext<Ports> extends Basics {
  readonly ports: Ports;
  /** By step, as recorded. */
  readonly outputs: ReadonlyMap<string, unknown>;
}

export interface Step<Ports> {
  readonly name: string;
  /** Returns what later steps need, as JSON. Absent if accepting the operation already did the work. */
  readonly run?: (context: StepContext<Ports>) => Promise<unknown>;
  readonly undo?: (context: StepContext<Ports>) => Promise<void>;
  /** The step to restart from if a worker died in this step, or it is retried. @default the step itself */
  readonly restartAt?: string;
  /** Asked before it is begun, each time: it is passed over where this says no. @default always */
  readonly when?: (context: StepContext<Ports>) => Promise<boolean>;
}

/**
 * What the removal of its hosting does to an operation that has not ended:
 *
 * - `cancel`: the operation unwinds, then the removal runs. A stuck one continues first. Users may cancel it, too.
 * - `resume`: the removal runs after it. A stuck one continues first.
 * - `wait`: the removal runs after it. A stuck one stays as it is.
 * - `join`: the operation is the removal itself; no second one is accepted.
 * - `refuse`: the removal is refused until the operation has ended.
 */
export type OnRemoval = 'cancel' | 'resume' | 'join' | 'refuse' | 'wait';

/** An operation as the runner takes it. */
export interface OperationDefinition<Ports> {
  readonly kind: OperationKind;
  /** What its input must be. */
  readonly input: z.ZodType;
  /** `unwind` undoes what was done; `stick` keeps retrying the failed step: a delete cannot be undone. */
  readonly onFailure: 'unwind' | 'stick';
  readonly onRemoval: OnRemoval;
  readonly steps: readonly Step<Ports>[];
  /** Which workers take it; see queue.ts. @default boots */
  readonly lane?: 'quick';
  /**
   * Whether a success that nobody asked for is not worth a record: its rows and runs are deleted when it ends.
   * @param done  the outputs of its steps. @default never
   */
  readonly isNoNews?: (done: Readonly<Record<string, unknown>>) => boolean;
  /** True if nobody waits for it: if the service itself requests it, users' operations go first. @default false */
  readonly background?: boolean;
}

/** Output of a step that was passed over. */
export interface Skipped {
  readonly skipped: true;
}

export const skipped: Skipped = { skipped: true };

export function isSkipped(output: unknown): output is Skipped {
  return typeof output === 'object' && output !== null && 'skipped' in output && output.skipped === true;
}

/** Why a running step has to stop; it is the reason of the step's signal. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  constructor(readonly why: 'cancelled' | 'handover' | 'lease-lost') {
    super(why);
  }
}
