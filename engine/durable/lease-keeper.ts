/** Keeps a lease alive while an operation runs, and reports immediately if it is lost. */
import type { RunnerParts } from './parts';
import { type Lease, renewLease } from '../store/leases';
import { toEngineError } from '../base/errors';
import { Interruption } from './definition';

/** How long the stack of a dead worker stays locked. */
export const leaseTtlMs = 30_000;
export const heartbeatMs = 10_000;

/** When nothing has been heard for this long, work stops: Terraform's own grace must fit before the lease runs out. */
const patienceMs = 20_000;

export interface LeaseKeeper {
  /** @throws {Interruption} if the lease was lost, or may have expired while this process was frozen */
  assertHeld(): void;
  /** Stops the heartbeat. */
  release(): void;
}

/**
 * Renews every 10 s. Calls `interrupt` if another worker has taken the lease, or if it could not be renewed for so long
 * that another worker soon might.
 */
export function keepLease(
  parts: Pick<RunnerParts, 'database' | 'log'>,
  lease: Lease,
  interrupt: (reason: Interruption) => void,
): LeaseKeeper {
  // of a clock that goes on while the process is stopped; from before the claim or renewal was sent
  let heldUntil = performance.now() + patienceMs;
  const lost = (): void => {
    heldUntil = -Infinity;
    interrupt(new Interruption('lease-lost'));
  };
  // a timer of its own: a query on a dead connection may never answer
  let patience = setTimeout(lost, patienceMs);
  const beat = async (): Promise<void> => {
    const sent = performance.now();
    const held = await renewLease(parts.database.direct, lease, leaseTtlMs);
    if (!held) return lost();
    heldUntil = Math.max(heldUntil, sent + patienceMs);
    clearTimeout(patience);
    patience = setTimeout(lost, patienceMs);
  };
  const timer = setInterval(() => {
    beat().catch((err: unknown) => {
      parts.log.warn({ err: toEngineError(err), stackId: lease.stackId }, 'lease could not be renewed');
    });
  }, heartbeatMs);
  return {
    assertHeld: () => {
      if (performance.now() >= heldUntil) throw new Interruption('lease-lost');
    },
    release: () => {
      clearInterval(timer);
      clearTimeout(patience);
    },
  };
}
