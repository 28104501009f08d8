/** What the door of pages asks about whoever Nginx has not read of yet. */
import type { Parts } from '../../durable';
import { findRoute, type FoundRoute } from '../../store/routes';

/** @returns the VM and whose it is; null for who has no route. Never throws: who cannot be found now is `unknown` */
export type Finder = (by: 'id' | 'name', value: string) => Promise<FoundRoute | null | 'unknown'>;

/** More than that at a time are not looked for: each is a query. */
const mostAtOnce = 64;
const patterns = { id: /^[1-9][0-9]{0,9}$/, name: /^[a-z][a-z0-9-]{2,31}$/ };
/** As far as PostgreSQL's integers go. */
const largestId = 2_147_483_647;

export function finder({ database, log }: Pick<Parts, 'database' | 'log'>): Finder {
  let underWay = 0;
  return async (by, value) => {
    if (!patterns[by].test(value) || (by === 'id' && Number(value) > largestId)) return null;
    if (underWay >= mostAtOnce) return 'unknown';
    underWay++;
    try {
      return await findRoute(database.direct, by === 'id' ? { userId: Number(value) } : { username: value });
    } catch (err) {
      log.warn({ err }, 'a route could not be looked for');
      return 'unknown';
    } finally {
      underWay--;
    }
  };
}
