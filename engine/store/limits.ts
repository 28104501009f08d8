/** Limits that all processes on this database share, by the clock of the database. */
import { type Limit, type Limiter, takenOf } from '../base/limits';
import type { Tx } from './database';

export function postgresLimiter(tx: Tx, limit: Limit): Limiter {
  return {
    take: async (key, points = 1) => {
      const [row]: { used: number; seconds: number }[] = await tx.query(
        `INSERT INTO rate_limits AS l (key, points, ends_at)
         VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
         ON CONFLICT (key) DO UPDATE SET
           points = CASE WHEN l.ends_at > clock_timestamp() THEN least(l.points + $2, 1000000) ELSE $2 END,
           ends_at = CASE WHEN l.ends_at > clock_timestamp() THEN l.ends_at ELSE EXCLUDED.ends_at END
         RETURNING l.points AS used, extract(epoch FROM l.ends_at - clock_timestamp())::float AS seconds`,
        [key, points, limit.seconds],
      );
      return takenOf(limit, row?.used ?? 0, row?.seconds ?? limit.seconds);
    },
    forget: async (key) => {
      await tx.query(`DELETE FROM rate_limits WHERE key = $1`, [key]);
    },
  };
}

export async function deleteEndedLimits(tx: Tx): Promise<void> {
  await tx.query(`DELETE FROM rate_limits WHERE ends_at < clock_timestamp()`);
}
