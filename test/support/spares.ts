/** Hostings that waited for their user: with a warm pool for as long as it takes to claim from it. */
import { type System, until } from './system';

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
  const [claimed] = await system.query<{ status: string }>(
    `SELECT status FROM hostings WHERE id = '${spare!.id}' AND user_id IS NOT NULL`,
  );
  expect(claimed).toEqual({ status: 'running' });
  await system.restart();
  await until(
    200_000,
    'the pool is gone',
    async () => (await spares(`'warming', 'spare', 'deleting'`)).length === 0,
  );
  return made;
}
