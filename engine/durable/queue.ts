/** Wakes a worker for a stack. The queue only carries its id: leases decide who works, Postgres what is left to do. */
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
   * Part of the caller's transaction: the job exists exactly if the transaction commits. A job that waits for this stack
   * gets these options; what they have to be is in the rows of its operations: see `wakeWorker`.
   */
  enqueue(tx: Tx, stackId: string, options: EnqueueOptions): Promise<void>;
  /** Starts working; `perform` is told when to hand over by its signal, which may have fired before it is called. */
  start(perform: (stackId: string, signal: AbortSignal) => Promise<void>): Promise<void>;
  /** True when this process takes jobs. */
  readonly working: boolean;
  /** Takes no more jobs, signals those that run, and returns when they have handed over. */
  stop(): Promise<void>;
}
