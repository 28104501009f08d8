/**
 * Whether a node has room for one more VM. What was promised counts, not only what is taken: guests fill their memory and
 * their disks later, all at once if they like. Pure.
 */
import type { Config } from '../base/config';
import { EngineError } from '../base/errors';

/** What a node has, as a worker measured it last. */
export interface NodeCapacity {
  readonly memoryMiB: number;
  /** That nobody uses; what caches hold counts as unused. */
  readonly freeMiB: number;
  /** Of the file system that the pool is on; null where it cannot be seen from here. */
  readonly pool: PoolRoom | null;
}

export interface PoolRoom {
  readonly bytes: number;
  readonly freeBytes: number;
}

/** What was given away already. */
export interface Promised {
  /** Of VMs that run, or will in a moment. */
  readonly memoryMiB: number;
  /** Of those, what VMs that are on their way have not taken yet. */
  readonly comingMiB: number;
  readonly diskGiB: number;
}

export interface Need {
  readonly memoryMiB: number;
  /** 0 where the disk is there already. */
  readonly diskGiB: number;
}

export type Shortage = 'memory' | 'disk';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

type Rules = Pick<
  Config,
  'NODE_MEMORY_OVERCOMMIT' | 'NODE_MEMORY_RESERVE_MIB' | 'NODE_DISK_OVERCOMMIT' | 'POOL_MIN_FREE_MIB'
>;

/** @returns what there is too little of, or null when the VM fits */
export function shortageOf(
  rules: Rules,
  { memoryMiB, freeMiB, pool }: NodeCapacity,
  promised: Promised,
  need: Need,
): Shortage | null {
  const mostMiB = memoryMiB * rules.NODE_MEMORY_OVERCOMMIT - rules.NODE_MEMORY_RESERVE_MIB;
  if (promised.memoryMiB + need.memoryMiB > mostMiB) return 'memory';
  if (freeMiB - promised.comingMiB < need.memoryMiB) return 'memory';
  if (need.diskGiB === 0 || pool === null) return null;
  if (pool.freeBytes < floorBytes(rules)) return 'disk';
  const mostBytes = pool.bytes * rules.NODE_DISK_OVERCOMMIT;
  return (promised.diskGiB + need.diskGiB) * GIB > mostBytes ? 'disk' : null;
}

/** Below it nothing new is made in the pool. */
export function floorBytes({ POOL_MIN_FREE_MIB }: Pick<Config, 'POOL_MIN_FREE_MIB'>): number {
  return POOL_MIN_FREE_MIB * MIB;
}

export function nodeFull(shortage: Shortage, story?: unknown): EngineError {
  const what = { memory: 'memory', disk: 'disk space' }[shortage];
  return new EngineError(
    'node_full',
    `The server has no ${what} for another VM; try again later, or ask the operator`,
    { details: { short_of: shortage }, ...(story === undefined ? {} : { cause: story }) },
  );
}
