/** What the command line asks for. Pure. */
import { parseArgs } from 'node:util';

export const partNames = ['vm', 'endurance', 'api', 'nginx', 'scale', 'burst'] as const;
export type PartName = (typeof partNames)[number];
export const benchImages = ['micro', 'debian-13'] as const;
export type BenchImage = (typeof benchImages)[number];

export interface Options {
  readonly parts: readonly PartName[];
  /** Rounds of everything that is compared. */
  readonly runs: number;
  /** Fewer rounds of less: shows that the bench works, and says little. */
  readonly quick: boolean;
  readonly images: readonly BenchImage[];
  /** Where `PART.json` and `PART.svg` are written; null writes nothing. */
  readonly out: string | null;
}

export const usage = `npm run bench -- [PART...] [options]

Parts: ${partNames.join(', ')}. @default all of them
  --runs N         rounds of what is compared. @default 5, with --quick 2
  --quick          fewer rounds of less: shows that the bench works
  --images A,B     guests of the part vm: ${benchImages.join(', ')}. @default micro
  --out DIR        where PART.json and PART.svg are written. @default docs/bench, with --quick nowhere`;

/** @throws {Error} whose message says what is wrong, and the usage */
export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parsed(argv);
  const parts = positionals.map((name) => oneOf(partNames, name, 'part'));
  const images = values.images.split(',').map((name) => oneOf(benchImages, name, 'image'));
  const runs = values.runs === undefined ? (values.quick ? 2 : 5) : Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs: a whole number from 1 on\n\n${usage}`);
  return {
    parts: parts.length === 0 ? partNames : partNames.filter((name) => parts.includes(name)),
    runs,
    quick: values.quick,
    images,
    out: values.out ?? (values.quick ? null : 'docs/bench'),
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        runs: { type: 'string' },
        quick: { type: 'boolean', default: false },
        images: { type: 'string', default: 'micro' },
        out: { type: 'string' },
      },
    });
  } catch (thrown) {
    throw new Error(`${(thrown as Error).message}\n\n${usage}`, { cause: thrown });
  }
}

function oneOf<T extends string>(names: readonly T[], given: string, what: string): T {
  const found = names.find((name) => name === given);
  if (found === undefined) throw new Error(`no such ${what}: ${given}\n\n${usage}`);
  return found;
}
