/** Custom domains. Anyone can claim one; at most one hosting has proved it. */
import { EngineError } from '../base/errors';
import { type Tx, violatedConstraint } from './database';

export interface DomainRow {
  readonly hostingId: string;
  readonly name: string;
  /** The proof of ownership; public. */
  readonly token: string;
  readonly createdAt: Date;
  readonly verifiedAt: Date | null;
}

const columns = `hosting_id AS "hostingId", name, token, created_at AS "createdAt", verified_at AS "verifiedAt"`;

export function domainsOf(tx: Tx, hostingId: string): Promise<DomainRow[]> {
  return tx.query(`SELECT ${columns} FROM domains WHERE hosting_id = $1 ORDER BY name`, [hostingId]);
}

/** Adds the domain unless it exists; an existing one keeps its token. */
export async function addDomain(
  tx: Tx,
  { hostingId, name, token }: Pick<DomainRow, 'hostingId' | 'name' | 'token'>,
): Promise<void> {
  await tx.query(`INSERT INTO domains (hosting_id, name, token) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, [
    hostingId,
    name,
    token,
  ]);
}

/** @throws {EngineError} domain_taken if another hosting has proved it */
export async function markVerified(tx: Tx, hostingId: string, name: string): Promise<void> {
  try {
    await tx.query(
      `UPDATE domains SET verified_at = coalesce(verified_at, clock_timestamp()) WHERE hosting_id = $1 AND name = $2`,
      [hostingId, name],
    );
  } catch (thrown) {
    if (violatedConstraint(thrown) !== 'domains_name_key') throw thrown;
    throw new EngineError('domain_taken');
  }
}

/** Removes the domain with its certificate. @returns whether it existed */
export async function removeDomain(tx: Tx, hostingId: string, name: string): Promise<boolean> {
  const [rows]: [{ verified: boolean }[], number] = await tx.query(
    `DELETE FROM domains WHERE hosting_id = $1 AND name = $2 RETURNING verified_at IS NOT NULL AS verified`,
    [hostingId, name],
  );
  if (rows[0]?.verified)
    await tx.query(`DELETE FROM certificates WHERE source = 'acme' AND name = $1`, [name]);
  return rows.length > 0;
}

/** Removes all domains of a hosting, with their certificates. */
export async function removeDomainsOf(tx: Tx, hostingId: string): Promise<void> {
  await tx.query(
    `WITH gone AS (DELETE FROM domains WHERE hosting_id = $1 RETURNING name, verified_at)
     DELETE FROM certificates WHERE source = 'acme' AND name IN (SELECT name FROM gone WHERE verified_at IS NOT NULL)`,
    [hostingId],
  );
}

/** The domains that are served: proved, and of a hosting with a route. */
export function servedDomains(tx: Tx): Promise<{ name: string; ip: string }[]> {
  return tx.query(
    `SELECT d.name, host(h.ip) AS ip FROM domains d JOIN routes r USING (hosting_id)
     JOIN hostings h ON h.id = d.hosting_id WHERE d.verified_at IS NOT NULL ORDER BY d.name`,
  );
}
