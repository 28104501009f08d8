/**
 * Whether a node has room for one more VM. Promised resources count, not only those in use: guests fill their memory and
 * disks later, possibly all at once. Pure.
 */
import type { Config } from '../base/config';
import { EngineError } from '../base/errors';

/** The capacity of a node, as last measured by a worker. */
export interface NodeCapacity {
  readonly memoryMiB: number;
  /** Unused memory; caches count as unused. */
  readonly freeMiB: number;
  /** Of the file system that holds the pool; null if it is not visible from here. */
  readonly pool: PoolRoom | null;
}

export interface PoolRoom {
  readonly bytes: number;
  readonly freeBytes: number;
}

/** What has been promised already. */
export interface Promised {
  /** Of VMs that are running or about to. */
  readonly memoryMiB: number;
  /** The part of it that VMs on their way have not taken yet. */
  readonly comingMiB: number;
  readonly diskGiB: number;
}

export interface Need {
  readonly memoryMiB: number;
  /** 0 if the disk already exists. */
  readonly diskGiB: number;
}

export type Shortage = 'memory' | 'disk';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

type Rules = Pick<
  Config,
  'NODE_MEMORY_OVERCOMMIT' | 'NODE_MEMORY_RESERVE_MIB' | 'NODE_DISK_OVERCOMMIT' | 'POOL_MIN_FREE_MIB'
>;

/** @returns what is short, or null if the VM fits */
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

/** Free space in the pool below which nothing new is created. */
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
