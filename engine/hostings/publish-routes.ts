/** What Nginx serves is what the database says. */
import type { Log } from '../base/log';
import type { Proxy } from '../machine/nginx/proxy';
import type { Database } from '../store/database';
import { lock } from '../store/locks';
import { allRoutes } from '../store/routes';

/** One process at a time: two that publish different routes at once could leave the older ones served. */
export function publishRoutes(database: Database, proxy: Proxy, log: Log): Promise<void> {
  return database.transaction(async (tx) => {
    await lock(tx, 'proxy');
    const routes = await allRoutes(tx);
    await proxy.publish(routes);
    for (const { port, holder } of await proxy.heldPorts(routes)) {
      const { username, ip } = routes.find(({ sshPort }) => sshPort === port) ?? {};
      log.warn(
        { port, holder, username, ip },
        'an SSH port is held by another program; its VM has none meanwhile',
      );
    }
  });
}
