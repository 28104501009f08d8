/** Keeps as many spares as are wanted: has some made, takes others away. What it decides is in warm-pool.ts. */
import { lock } from '../../store/locks';
import { toEngineError } from '../../base/errors';
import { acceptDelete, newHostingSize } from '../hostings';
import { recordOnMachine, theService } from '../../audit';
import { acceptSpare } from './make';
import type { Parts } from '../../durable';
import { countUnfinished } from '../../store/operations';
import { busiestTenMinutes, failuresInARow, lockSpare, sparesOf } from '../../store/spares';
import { findNode } from '../../store/stacks';
import { keepsSpares, planPool, type PoolFacts } from './pool';
import { every, type Reconciler } from '../../base/every';

/** A spare that was claimed is on its way to be replaced after this time at most. */
const intervalMs = 2_000;
/** How often libvirt is asked whether the spares run. */
const aliveEveryMs = 30_000;

type PoolParts = Pick<Parts, 'config' | 'database' | 'inventory' | 'kinds' | 'log' | 'proxy' | 'queue'>;

export function reconcileWarmPool(parts: PoolParts): Reconciler {
  let lookedAt = -Infinity;
  return every({ name: 'warm pool', intervalMs, log: parts.log }, async () => {
    const lookAtThem = performance.now() - lookedAt > aliveEveryMs;
    if (lookAtThem) lookedAt = performance.now();
    await keepPool(parts, lookAtThem ? 'ask libvirt' : 'trust');
  });
}

/** One look. @param alive  whether to ask libvirt for the spares' VMs, or to take them for what they were left as */
export async function keepPool(parts: PoolParts, alive: 'ask libvirt' | 'trust'): Promise<void> {
  const { config, database, log } = parts;
  const { direct } = database;
  const isOff = !keepsSpares(config);
  const spares = await sparesOf(direct, newHostingSize(config));
  if (isOff && spares.length === 0) return;
  if ((await findNode(direct, config.NODE_NAME))?.prepared == null) return;
  const facts: Omit<PoolFacts, 'spares'> = {
    busiest: config.WARM_POOL_MAX === 0 ? 0 : await busiestTenMinutes(direct),
    claims: await countUnfinished(direct, 'claim-spare'),
    failing: await failuresInARow(direct),
    freeMiB: isOff ? Infinity : (await parts.inventory.memory()).freeMiB,
    dead: alive === 'trust' ? new Set() : await deadOnes(parts, spares),
  };
  await database.transaction(async (tx) => {
    await lock(tx, 'warm pool');
    const plan = planPool(config, { ...facts, spares: await sparesOf(tx, newHostingSize(config)) });
    if (plan.make.length > 0 || plan.remove.length > 0) log.info({ ...plan }, 'warm pool changes');
    const record = (action: 'spare make' | 'spare remove', target: string): Promise<void> =>
      recordOnMachine(tx, theService, { action, target, outcome: 'begun', code: null });
    for (const id of plan.remove) {
      if (!(await lockSpare(tx, id))) continue;
      await acceptDelete(parts, tx, { id });
      await record('spare remove', id);
    }
    for (const tier of plan.make) {
      const accepted = await acceptSpare(parts, tx, tier).catch(unlessFull);
      // nothing was written yet, and the next one would not fit either
      if (accepted === null) break;
      await record('spare make', accepted.hostingId ?? '');
    }
  });
}

/** A node that is full keeps no spares: that is no failure. */
function unlessFull(thrown: unknown): null {
  if (toEngineError(thrown).code === 'node_full') return null;
  throw thrown;
}

async function deadOnes(
  { config, inventory }: Pick<Parts, 'config' | 'inventory'>,
  spares: Awaited<ReturnType<typeof sparesOf>>,
): Promise<Set<string>> {
  const { domains } = await inventory.survey(config.POOL_NAME);
  const stateOf = (name: string): string | undefined => domains.find((domain) => domain.name === name)?.state;
  return new Set(
    spares
      .filter(({ status, tier, vmName }) => status !== 'warming' && stateOf(vmName) !== tier)
      .map(({ id }) => id),
  );
}
