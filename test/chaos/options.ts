/** What can be asked of a run. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

/** More workers than cases: a frozen one works on nothing else, and a dead one takes a second to be replaced. */
export const spareWorkers = 2;

export interface Options {
  /** Everything that is left to chance comes from it. */
  readonly seed: number;
  /** How often each case is played; kills in the midst of a step less often. */
  readonly repeat: number;
  /** As many cases of all, instead. */
  readonly sample: number | null;
  /** Only the rows of the matrix whose name fits, as in `create-hosting apply during, worker killed`. */
  readonly only: RegExp;
  readonly workers: number;
  /** The run ends after so many minutes, finished or not. */
  readonly minutes: number;
  /** Where the results are written. */
  readonly json: string | null;
}

/** @throws {Error} naming the option that is not understood */
export function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      repeat: { type: 'string', default: '5' },
      sample: { type: 'string' },
      only: { type: 'string', default: '' },
      workers: { type: 'string', default: '10' },
      minutes: { type: 'string', default: '60' },
      json: { type: 'string' },
    },
  });
  const count = (name: 'seed' | 'repeat' | 'sample' | 'workers' | 'minutes', least = 1): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < least) throw new Error(`--${name}: a whole number from ${least}`);
    return value;
  };
  return {
    seed: count('seed', 0),
    repeat: count('repeat'),
    sample: values.sample === undefined ? null : count('sample'),
    only: new RegExp(values.only),
    workers: count('workers', spareWorkers + 1),
    minutes: count('minutes'),
    json: values.json ?? null,
  };
}
