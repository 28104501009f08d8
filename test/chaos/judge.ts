/** Holds the facts of one case against what was promised. Pure. */
import type { Facts } from './facts';
import type { Write } from './witness';

/** Lease of 30 s, reconciler every 5 s. */
export const pickUpLimitSeconds = 35;

export interface Judgement {
  readonly facts: Facts;
  /** Seconds from each hit of a worker to the next claim of its stack. */
  readonly pickUps: readonly number[];
  readonly doubles: readonly string[];
  /** Every other promise that was broken. */
  readonly problems: readonly string[];
  readonly passed: boolean;
}

export function judge(facts: Facts): Judgement {
  const pickUps = facts.hits.flatMap((hit) => pickUpAfter(facts.writes, hit));
  const expected = facts.hits.filter((hit) => hit.worker !== null).length;
  const doubles = doublesIn(facts);
  const problems = [
    ...facts.problems,
    ...(facts.ended === 'neither' ? ['ended neither ready nor cleanly gone'] : []),
    ...(givenUp(facts) ? ['was given up, though nothing failed but its worker'] : []),
    ...(pickUps.length < expected ? ['was not picked up'] : []),
    ...pickUps.filter((s) => s > pickUpLimitSeconds).map((s) => `picked up after ${s.toFixed(1)} s`),
    ...facts.hits
      .filter(({ woken }) => woken?.refused === false)
      .map(() => 'the woken worker was not refused'),
    ...staleWrites(facts.writes),
  ];
  return {
    ...{ facts, pickUps, doubles, problems },
    passed: problems.length === 0 && doubles.length === 0 && facts.orphans.length === 0,
  };
}

/** The death of a worker is no failure of what it did. */
function givenUp({ it, ended, hits }: Facts): boolean {
  const wasToFail = it.faults.some(({ act }) => act === 'fail') || hits.some(({ worker }) => worker === null);
  return it.operation === 'create-hosting' && ended === 'gone' && !wasToFail;
}

function pickUpAfter(writes: readonly Write[], { at, worker }: Facts['hits'][number]): number[] {
  if (worker === null) return [];
  const claim = claimsIn(writes).find((write) => write.at > at);
  return claim ? [(claim.at - at) / 1000] : [];
}

function claimsIn(writes: readonly Write[]): Write[] {
  return writes.filter((write) => write.owner !== null);
}

/** Two at work where one should be. */
function doublesIn({ starts, writes, runs, mostEmulators }: Facts): string[] {
  const claims = claimsIn(writes);
  const holderAt = (at: number): number =>
    Number(
      claims
        .findLast((claim) => claim.at <= at)
        ?.owner?.split(':')
        .at(-2),
    );
  const ended = runs.filter((run) => run.finishedAt !== null);
  return [
    ...starts.filter(({ double }) => double).map(({ what }) => `${what} beside another`),
    ...starts
      // a worker that was dead before it could be asked for has left its child to process 1
      .filter(({ at, parent }) => parent !== 1 && parent !== holderAt(at))
      .map(({ what, parent, at }) => `${what} by ${parent} while ${holderAt(at)} held the lease`),
    ...ended.flatMap((run, index) => {
      const next = ended[index + 1];
      return next && next.startedAt < (run.finishedAt ?? 0)
        ? [`${next.kind} began before ${run.kind} had ended`]
        : [];
    }),
    ...(mostEmulators > 1 ? [`${mostEmulators} VMs at once`] : []),
  ];
}

/** A worker that wrote when another one had claimed the stack. */
function staleWrites(writes: readonly Write[]): string[] {
  let holder = '';
  return writes.flatMap(({ writer, owner, table, action }) => {
    if (owner !== null) holder = writer;
    const stale = writer.startsWith('chaos-') && writer !== holder;
    return stale ? [`${writer} did ${action} in ${table} while ${holder} held the lease`] : [];
  });
}
