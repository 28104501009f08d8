/** How many spares there should be, and what is done about it. Pure: the same facts give the same plan. */
import type { Config } from '../../base/config';
import type { Spare, SpareTier } from '../../store/spares';

export interface PoolFacts {
  readonly spares: readonly Spare[];
  /** Spares whose VM is not as it was left: running, or saved. */
  readonly dead: ReadonlySet<string>;
  /** Creates in the busiest ten minutes of the last hour. */
  readonly busiest: number;
  /** Memory of the node that nobody uses, in MiB. */
  readonly freeMiB: number;
  /** Claims under way: a boot beside one would take its processor. */
  readonly claims: number;
  /** How many could not be made, one after the other, and since when. */
  readonly failing: { readonly failures: number; readonly secondsAgo: number };
}

export interface PoolPlan {
  /** Where those belong that are to be made now. */
  readonly make: readonly SpareTier[];
  /** Ids of those to take away. */
  readonly remove: readonly string[];
}

type PoolConfig = Pick<
  Config,
  | 'WARM_POOL_SIZE'
  | 'WARM_POOL_MAX'
  | 'WARM_POOL_SAVED'
  | 'WARM_POOL_BOOTS'
  | 'WARM_POOL_MIN_FREE_MIB'
  | 'VM_MEMORY_MIB'
>;

/** After the first failure; twice as long after each further one. */
const pauseSeconds = 15;
const longestPauseSeconds = 600;

/** How many should run. */
export function wantedSpares({ WARM_POOL_SIZE, WARM_POOL_MAX }: PoolConfig, busiest: number): number {
  return Math.max(WARM_POOL_SIZE, Math.min(WARM_POOL_MAX, busiest));
}

/** Whether there ever is a spare. */
export function keepsSpares({
  WARM_POOL_SIZE,
  WARM_POOL_MAX,
  WARM_POOL_SAVED,
}: Pick<Config, 'WARM_POOL_SIZE' | 'WARM_POOL_MAX' | 'WARM_POOL_SAVED'>): boolean {
  return WARM_POOL_SIZE > 0 || WARM_POOL_MAX > 0 || WARM_POOL_SAVED > 0;
}

export function planPool(config: PoolConfig, facts: PoolFacts): PoolPlan {
  const { spares, dead, freeMiB } = facts;
  const useless = spares.filter(({ id, fits }) => !fits || dead.has(id));
  const useful = spares.filter((spare) => !useless.includes(spare)).sort(leastUsefulFirst);
  const of = (tier: SpareTier): Spare[] => useful.filter((spare) => spare.tier === tier);
  const running = wantedSpares(config, facts.busiest) - of('running').length;
  const saved = config.WARM_POOL_SAVED - of('saved').length;
  const surplus = [
    ...of('running').slice(0, Math.max(0, -running)),
    ...of('saved').slice(0, Math.max(0, -saved)),
  ];
  // a saved one gives no memory back
  const short =
    freeMiB < config.WARM_POOL_MIN_FREE_MIB ? useful.filter(({ status }) => status !== 'saved') : [];
  const remove = surplus.length > 0 ? surplus : short.slice(0, 1);
  const wanted: SpareTier[] = [
    ...Array<SpareTier>(Math.max(0, running)).fill('running'),
    ...Array<SpareTier>(Math.max(0, saved)).fill('saved'),
  ];
  return {
    make: remove.length > 0 ? [] : wanted.slice(0, roomForMore(config, facts)),
    remove: [...useless, ...remove].map(({ id }) => id),
  };
}

/** What is still being made: nobody could have it yet. */
function leastUsefulFirst(one: Spare, other: Spare): number {
  return Number(one.status !== 'warming') - Number(other.status !== 'warming');
}

/** How many may be made now. */
function roomForMore(config: PoolConfig, { spares, freeMiB, claims, failing }: PoolFacts): number {
  if (claims > 0) return 0;
  const pause = Math.min(longestPauseSeconds, pauseSeconds * 2 ** (failing.failures - 1));
  if (failing.failures > 0 && failing.secondsAgo < pause) return 0;
  const booting = spares.filter(({ status }) => status === 'warming').length;
  // those that boot have not taken their memory yet
  const room = Math.floor((freeMiB - config.WARM_POOL_MIN_FREE_MIB) / config.VM_MEMORY_MIB) - booting;
  return Math.max(0, Math.min(config.WARM_POOL_BOOTS - booting, room));
}
