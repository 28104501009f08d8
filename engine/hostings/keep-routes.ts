/**
 * Sees to it that Nginx runs and serves the routes of the database: whatever was done to it by hand, and for claims, which
 * the door serves until then.
 */
import type { Parts } from '../durable';
import { allRoutes } from '../store/routes';
import { every, type Reconciler } from '../base/every';

const intervalMs = 10_000;

export function reconcileServedRoutes({
  database,
  proxy,
  routePublisher,
  log,
}: Pick<Parts, 'database' | 'log' | 'proxy' | 'routePublisher'>): Reconciler {
  return every({ name: 'served routes', intervalMs, log }, async () => {
    if (await proxy.serves(await allRoutes(database.direct))) return;
    // a publish that is under way looks the same; to publish once more changes nothing then
    await routePublisher.publish();
    log.info({}, 'routes published');
    return 'published';
  });
}
