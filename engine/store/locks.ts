/** What one process does at a time, whichever of them it is. A lock is held until its transaction ends. */
import type { EntityManager } from 'typeorm';

type Tx = Pick<EntityManager, 'query'>;

export type LockName = 'drift' | 'expired leases' | 'migrations' | 'proxy' | 'reservations' | 'warm pool';

/** Waits until nobody else has the lock. */
export async function lock(tx: Tx, name: LockName): Promise<void> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtext('vm-webhoster ' || $1))`, [name]);
}

/** @returns false, at once, if somebody else has the lock */
export async function tryLock(tx: Tx, name: LockName): Promise<boolean> {
  const [row]: { locked: boolean }[] = await tx.query(
    `SELECT pg_try_advisory_xact_lock(hashtext('vm-webhoster ' || $1)) AS locked`,
    [name],
  );
  return row?.locked === true;
}
