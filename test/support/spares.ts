/** Hostings that waited for their user: with a warm pool for as long as it takes to claim from it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type System, until } from '../worlds/system';

/**
 * What `create` makes while one spare waits; the pool is gone again when it has.
 *
 * @throws when none of what was made is the spare
 */
export async function claimedSpare<T>(system: System, create: () => Promise<T>): Promise<T> {
  await system.restart({ WARM_POOL_SIZE: '1', WARM_POOL_MIN_FREE_MIB: '0' });
  const spares = (status: string) =>
    system.query<{ id: string }>(`SELECT id FROM hostings WHERE user_id IS NULL AND status IN (${status})`);
  await until(200_000, 'a spare waits', async () => (await spares(`'spare'`)).length === 1);
  const [spare] = await spares(`'spare'`);
  const made = await create();
  const [claimed] = await system.query<{ status: string; port: number; ip: string }>(
    `SELECT status, ssh_port AS port, host(ip) AS ip FROM hostings
     WHERE id = '${spare!.id}' AND user_id IS NOT NULL`,
  );
  expect(claimed?.status).toBe('running');
  // until Nginx has read of it the door leads there, which is gone after the restart
  const served = path.join(system.env.DATA_DIR ?? '', 'nginx/ssh/nginx.conf');
  const route = ` ${claimed?.port} ${claimed?.ip}:22;`;
  await until(30_000, 'Nginx has read of it', () =>
    Promise.resolve(readFileSync(served, 'utf8').includes(route)),
  );
  await system.restart();
  await until(
    200_000,
    'the pool is gone',
    async () => (await spares(`'warming', 'spare', 'deleting'`)).length === 0,
  );
  return made;
}
