/** Who is let in where there is little room. That two cannot pass together is the database's: test/integration/admission.test.ts. */
import { type NodeCapacity, type Promised, shortageOf } from '../../../../engine/model/capacity';

const GIB = 1024 ** 3;
const rules = {
  ...{ NODE_MEMORY_OVERCOMMIT: 1, NODE_MEMORY_RESERVE_MIB: 1_000 },
  ...{ NODE_DISK_OVERCOMMIT: 2, POOL_MIN_FREE_MIB: 2_048 },
};
const capacity: NodeCapacity = {
  memoryMiB: 8_000,
  freeMiB: 6_000,
  pool: { bytes: 100 * GIB, freeBytes: 50 * GIB },
};
const promised: Promised = { memoryMiB: 6_000, comingMiB: 0, diskGiB: 180 };
const need = { memoryMiB: 1_000, diskGiB: 20 };

it('a node accepts what fits to the last MiB and GiB', () => {
  expect(shortageOf(rules, capacity, promised, need)).toBeNull();
});

it.each<[string, 'memory' | 'disk' | null, Partial<Promised>, Partial<NodeCapacity>]>([
  ['memory that was promised, used or not', 'memory', { memoryMiB: 6_001 }, {}],
  ['memory that somebody else uses', 'memory', {}, { freeMiB: 999 }],
  ['memory that those on their way will take', 'memory', { comingMiB: 5_001 }, {}],
  ['disk that was promised, used or not', 'disk', { diskGiB: 181 }, {}],
  ['disk that is used', 'disk', {}, { pool: { bytes: 100 * GIB, freeBytes: 2 * GIB - 1 } }],
  ['disks that cannot be seen', null, { diskGiB: 10_000 }, { pool: null }],
])('a node’s capacity counts %s', (_, shortage, change, measured) => {
  expect(shortageOf(rules, { ...capacity, ...measured }, { ...promised, ...change }, need)).toBe(shortage);
});

it('a node promises more than it has if overcommit is configured', () => {
  const generous = { ...rules, NODE_MEMORY_OVERCOMMIT: 2, NODE_DISK_OVERCOMMIT: 4 };
  const much = { memoryMiB: 14_000, comingMiB: 0, diskGiB: 380 };
  expect(shortageOf(generous, capacity, much, need)).toBeNull();
  expect(shortageOf(rules, capacity, much, need)).toBe('memory');
});

it('a VM whose disk exists needs no disk space', () => {
  const full = { ...capacity, pool: { bytes: GIB, freeBytes: 0 } };
  expect(shortageOf(rules, full, promised, { ...need, diskGiB: 0 })).toBeNull();
});
