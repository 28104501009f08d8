/** Which hostings are reachable through Nginx, in the form the proxy renders. */
import type { Tx } from './database';
import type { Route } from '../machine/nginx/proxy';

export async function openRoute(tx: Tx, hostingId: string): Promise<void> {
  await tx.query(`INSERT INTO routes (hosting_id) VALUES ($1) ON CONFLICT DO NOTHING`, [hostingId]);
}

export async function closeRoute(tx: Tx, hostingId: string): Promise<void> {
  await tx.query(`DELETE FROM routes WHERE hosting_id = $1`, [hostingId]);
}

export type FoundRoute = Pick<Route, 'ip' | 'username'>;

/** @returns the VM that serves a user's page, and its owner; null if the user has no open route */
export async function findRoute(
  tx: Tx,
  of: { userId: number } | { username: string },
): Promise<FoundRoute | null> {
  const [column, value] = 'userId' in of ? ['u.id', of.userId] : ['u.username', of.username];
  const [row]: FoundRoute[] = await tx.query(
    `SELECT host(h.ip) AS ip, u.username FROM users u JOIN hostings h ON h.user_id = u.id JOIN routes r ON r.hosting_id = h.id
     WHERE ${column} = $1 AND h.status <> 'sleeping'`,
    [value],
  );
  return row ?? null;
}

export async function allRoutes(tx: Tx): Promise<Route[]> {
  const rows: (Omit<Route, 'asleep'> & { asleep: string | null })[] = await tx.query(
    `SELECT h.user_id AS "userId", u.username, host(h.ip) AS ip, h.ssh_port AS "sshPort",
       CASE h.status WHEN 'sleeping' THEN h.id END AS asleep
     FROM routes r JOIN hostings h ON h.id = r.hosting_id AND h.status NOT IN ('deleted', 'failed')
       JOIN users u ON u.id = h.user_id ORDER BY h.user_id`,
  );
  return rows.map(({ asleep, ...route }) => (asleep === null ? route : { ...route, asleep }));
}
