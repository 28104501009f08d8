/** Wakes a worker for a stack. The queue carries only its id: leases decide who works on it, Postgres what is left to do. */
import type { Tx } from '../store/database';
import type { Lane } from '../model/lane';

export interface EnqueueOptions {
  /** @default 0 */
  readonly delayMs?: number;
  readonly lane: Lane;
  /** The lowest is served first, the oldest among equals. */
  readonly priority: number;
}

export interface Queue {
  /**
   * Part of the caller's transaction: the job exists exactly if the transaction commits. A job that already waits for this
   * stack gets these options; they follow from the rows of its operations: see `wakeWorker`.
   */
  enqueue(tx: Tx, stackId: string, options: EnqueueOptions): Promise<void>;
  /** Starts working; the signal of `perform` tells it to hand over, and may have fired before it is called. */
  start(perform: (stackId: string, signal: AbortSignal) => Promise<void>): Promise<void>;
  /** True if this process takes jobs. */
  readonly working: boolean;
  /** Takes no more jobs, signals the running ones, and returns once they have handed over. */
  stop(): Promise<void>;
}
