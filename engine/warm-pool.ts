/** How many spares there should be, and what is done about it. Pure: the same facts give the same plan. */
import type { Config } from './config';
import type { Spare } from './store/spares';

export interface PoolFacts {
  readonly spares: readonly Spare[];
  /** Spares whose VM does not run. */
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
  /** How many to have made now. */
  readonly make: number;
  /** Ids of those to take away. */
  readonly remove: readonly string[];
}

type PoolConfig = Pick<
  Config,
  'WARM_POOL_SIZE' | 'WARM_POOL_MAX' | 'WARM_POOL_BOOTS' | 'WARM_POOL_MIN_FREE_MIB' | 'VM_MEMORY_MIB'
>;

/** After the first failure; twice as long after each further one. */
const pauseSeconds = 15;
const longestPauseSeconds = 600;

export function wantedSpares({ WARM_POOL_SIZE, WARM_POOL_MAX }: PoolConfig, busiest: number): number {
  return Math.max(WARM_POOL_SIZE, Math.min(WARM_POOL_MAX, busiest));
}

/** Whether there ever is a spare. */
export function keepsSpares({
  WARM_POOL_SIZE,
  WARM_POOL_MAX,
}: Pick<Config, 'WARM_POOL_SIZE' | 'WARM_POOL_MAX'>): boolean {
  return WARM_POOL_SIZE > 0 || WARM_POOL_MAX > 0;
}

export function planPool(config: PoolConfig, facts: PoolFacts): PoolPlan {
  const { spares, dead, freeMiB } = facts;
  const wanted = wantedSpares(config, facts.busiest);
  const useless = spares.filter(({ id, fits }) => !fits || dead.has(id));
  const useful = spares.filter((spare) => !useless.includes(spare));
  // what is still being made goes first: nobody could have it yet
  const leastUseful = [...useful].sort((one, other) => rank(one) - rank(other));
  const tooMany = Math.max(0, useful.length - wanted);
  const short = freeMiB < config.WARM_POOL_MIN_FREE_MIB ? 1 : 0;
  const surplus = leastUseful.slice(0, Math.max(tooMany, Math.min(short, useful.length)));
  return {
    make: surplus.length > 0 ? 0 : missing(config, facts, wanted - useful.length),
    remove: [...useless, ...surplus].map(({ id }) => id),
  };
}

function rank({ status }: Spare): number {
  return status === 'warming' ? 0 : 1;
}

function missing(
  config: PoolConfig,
  { spares, freeMiB, claims, failing }: PoolFacts,
  wanted: number,
): number {
  if (claims > 0) return 0;
  const pause = Math.min(longestPauseSeconds, pauseSeconds * 2 ** (failing.failures - 1));
  if (failing.failures > 0 && failing.secondsAgo < pause) return 0;
  const booting = spares.filter(({ status }) => status === 'warming').length;
  // those that boot have not taken their memory yet
  const room = Math.floor((freeMiB - config.WARM_POOL_MIN_FREE_MIB) / config.VM_MEMORY_MIB) - booting;
  return Math.max(0, Math.min(wanted, config.WARM_POOL_BOOTS - booting, room));
}
