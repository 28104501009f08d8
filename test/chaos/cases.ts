/** Which lines of the matrix are played, how often, and in which order; what is left to chance comes from the seed. */
import type { Fault } from './faults';
import { seededRandom, shuffled } from './random';
import { longestDelayMs, nameOfRow, type Row } from './rows';

export interface Case extends Omit<Row, 'faults'> {
  /** Names it in every output. */
  readonly name: string;
  readonly faults: readonly Fault[];
  /** Terraform or provider killed: so long after Terraform's apply was first seen. */
  readonly delayMs: number;
}

export function allCases(rows: readonly Row[], seed: number, repeat: number): Case[] {
  const cases = rows.flatMap((row) =>
    Array.from({ length: roundsOf(row, repeat) }, (_, round) => toCase(row, seed, round + 1)),
  );
  return shuffled(cases, seededRandom(`${seed} order`));
}

/** A death in the midst of a step is an extra; with all rounds of it a run would take the better part of an hour. */
function roundsOf({ victim, moment, slow }: Row, repeat: number): number {
  return victim === 'worker killed' && moment === 'during' && slow !== true
    ? Math.ceil(repeat * 0.4)
    : repeat;
}

/** Some of all, with at least one of each victim, in a mixed order. */
export function sampleOf(rows: readonly Row[], seed: number, count: number): Case[] {
  const mixed = shuffled(rows, seededRandom(`${seed} sample`));
  const victims = [...new Set(rows.map((row) => row.victim))];
  const first = victims.flatMap((victim) => mixed.find((row) => row.victim === victim) ?? []);
  const others = mixed.filter((row) => !first.includes(row));
  return [...first, ...others].slice(0, Math.max(count, first.length)).map((row) => toCase(row, seed, 1));
}

function toCase({ faults, ...row }: Row, seed: number, round: number): Case {
  const name = `${nameOfRow(row)} #${round}`;
  const random = seededRandom(`${seed} ${name}`);
  return { ...row, name, faults: faults(random), delayMs: Math.round(random() * longestDelayMs) };
}
