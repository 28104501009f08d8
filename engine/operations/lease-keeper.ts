/** Keeps a lease alive while an operation runs, and says so at once when it is lost. */
import type { Parts } from '../parts';
import { type Lease, renewLease } from '../store/leases';
import { Interruption } from './operation';

/** A dead worker's stack is free again after this long. */
export const leaseTtlMs = 30_000;
export const heartbeatMs = 10_000;

/**
 * Renews every 10 s. Calls `interrupt` when another worker has taken the lease, or when it could not be renewed
 * for so long that another one may have.
 *
 * @returns stops the heartbeat
 */
export function keepLease(parts: Parts, lease: Lease, interrupt: (reason: Interruption) => void): () => void {
  let renewedAt = performance.now();
  const beat = async (): Promise<void> => {
    const asked = performance.now();
    const held = await renewLease(parts.database.direct, lease, leaseTtlMs).catch((err: unknown) => {
      parts.log.warn({ err, stackId: lease.stackId }, 'lease could not be renewed');
      return null;
    });
    if (held === true) renewedAt = asked;
    if (held === false || performance.now() - renewedAt > leaseTtlMs)
      interrupt(new Interruption('lease-lost'));
  };
  const timer = setInterval(() => void beat(), heartbeatMs);
  return () => {
    clearInterval(timer);
  };
}
