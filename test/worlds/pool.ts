/** A world whose warm pool is looked at, and filled, by hand. */
import { keepPool } from '../../engine/hostings';
import { openWorld, type World } from './world';

export interface Pool {
  readonly world: World;
  query<T>(sql: string): Promise<T[]>;
  /** One look of the reconciler. */
  look(alive?: Parameters<typeof keepPool>[1]): Promise<void>;
  /** Works off everything that waits. */
  workAll(): Promise<void>;
  /** Of what has not ended, the oldest first. */
  statuses(): Promise<string[]>;
  /** @returns ids of the spares that run, the one that has waited longest first */
  fill(): Promise<string[]>;
}

export async function openPool(settings: Record<string, string>): Promise<Pool> {
  const world = await openWorld({ WARM_POOL_BOOTS: '9', ...settings });
  const query = <T>(sql: string): Promise<T[]> => world.parts.database.direct.query(sql);
  const look: Pool['look'] = (alive = 'ask libvirt') => keepPool(world.parts, alive);
  const workAll = async (): Promise<void> => {
    const rows = await query<{ stack_id: string }>(
      `SELECT DISTINCT stack_id FROM operations WHERE status IN ('pending', 'running', 'unwinding')`,
    );
    for (const { stack_id: stackId } of rows) await world.work(stackId);
  };
  return {
    ...{ world, query, look, workAll },
    statuses: async () => {
      const rows = await query<{ status: string }>(
        `SELECT status FROM hostings WHERE status NOT IN ('deleted', 'failed') ORDER BY created_at`,
      );
      return rows.map(({ status }) => status);
    },
    fill: async () => {
      await look();
      await workAll();
      const rows = await query<{ id: string }>(
        `SELECT id FROM hostings WHERE status = 'spare' ORDER BY ready_at`,
      );
      return rows.map(({ id }) => id);
    },
  };
}
