/** Wakes a worker for a stack. The queue only carries its id: leases decide who works, Postgres what is left to do. */
import type { Tx } from '../store/database';

export interface Queue {
  /** Part of the caller's transaction: the job exists exactly if the transaction commits. */
  enqueue(tx: Tx, stackId: string, options?: { delayMs?: number }): Promise<void>;
  /** Starts working; `perform` is told when to hand over by its signal. */
  start(perform: (stackId: string, signal: AbortSignal) => Promise<void>): Promise<void>;
  /** True when this process takes jobs. */
  readonly working: boolean;
  /** Takes no more jobs, signals those that run, and returns when they have handed over. */
  stop(): Promise<void>;
}
