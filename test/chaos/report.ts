/** Says how it goes, and in the end how it went. */

import { type Judgement, pickUpLimitSeconds } from './judge';
import { nameOfRow, type Row } from './rows';

/** One line of the matrix. */
export interface Line {
  readonly victim: string;
  readonly operation: string;
  readonly step: string;
  readonly moment: string;
  readonly runs: number;
  readonly ready: number;
  readonly gone: number;
  readonly orphans: number;
  /** Seconds; null where no worker was hit. */
  readonly pickUpMedian: number | null;
  readonly pickUpMax: number | null;
  readonly doubles: number;
  readonly problems: number;
}

export interface Run {
  readonly seed: number;
  readonly workers: number;
  readonly seconds: number;
  /** Cases that were to be played. */
  readonly planned: number;
  /** What is wrong with the run as a whole. */
  readonly wrong: readonly string[];
}

export interface Summary extends Run {
  readonly passed: number;
  readonly failed: number;
  readonly total: Line;
  readonly matrix: readonly Line[];
}

export function summarize(run: Run, rows: readonly Row[], judgements: readonly Judgement[]): Summary {
  const passed = judgements.filter((judgement) => judgement.passed).length;
  const matrix = rows.flatMap((row) => {
    const group = judgements.filter(({ facts }) => nameOfRow(facts.it) === nameOfRow(row));
    return group.length === 0 ? [] : lineOf(row, group);
  });
  const all = { victim: 'all', operation: '', step: '', moment: '' };
  return {
    ...run,
    passed,
    failed: run.planned - passed + run.wrong.length,
    total: lineOf(all, judgements),
    matrix,
  };
}

function lineOf(
  { victim, operation, step, moment }: Pick<Line, 'victim' | 'operation' | 'step' | 'moment'>,
  group: readonly Judgement[],
): Line {
  const count = (of: (judgement: Judgement) => number): number =>
    group.reduce((sum, each) => sum + of(each), 0);
  const pickUps = group.flatMap((each) => each.pickUps);
  return {
    ...{ victim, operation, step, moment, runs: group.length },
    ready: count(({ facts }) => Number(facts.ended === 'ready')),
    gone: count(({ facts }) => Number(facts.ended === 'gone')),
    orphans: count(({ facts }) => facts.orphans.length),
    pickUpMedian: pickUps.length === 0 ? null : median(pickUps),
    pickUpMax: pickUps.length === 0 ? null : Math.max(...pickUps),
    doubles: count(({ doubles }) => doubles.length),
    problems: count(({ problems }) => problems.length),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [lower = NaN] = sorted.slice(Math.ceil(sorted.length / 2) - 1);
  const [upper = NaN] = sorted.slice(Math.floor(sorted.length / 2));
  return (lower + upper) / 2;
}

/** One case that is over. */
export function progress({ facts, pickUps, passed }: Judgement): string {
  const pickUp = pickUps.map((seconds) => `picked up after ${seconds.toFixed(1)} s, `).join('');
  return `${passed ? 'ok    ' : 'FAILED'}  ${facts.it.name}: ${pickUp}${facts.ended}, ${facts.seconds.toFixed(0)} s`;
}

export function accusation({ facts, doubles, problems }: Judgement): string[] {
  return [
    ...problems,
    ...doubles.map((text) => `double: ${text}`),
    ...facts.orphans.map((text) => `orphan: ${text}`),
  ];
}

const columns: readonly [string, (line: Line) => string | number | null][] = [
  ['hit', (line) => line.victim],
  ['operation', (line) => line.operation],
  ['step', (line) => line.step],
  ['moment', (line) => line.moment],
  ['runs', (line) => line.runs],
  ['ready', (line) => line.ready],
  ['gone', (line) => line.gone],
  ['orphans', (line) => line.orphans],
  ['pick-up median', (line) => line.pickUpMedian?.toFixed(1) ?? '-'],
  ['max s', (line) => line.pickUpMax?.toFixed(1) ?? '-'],
  ['doubles', (line) => line.doubles],
  ['other', (line) => line.problems],
];
const textColumns = 4;

export function table({ matrix, total }: Summary): string {
  const cells = [...matrix, total].map((line) => columns.map(([, of]) => String(of(line))));
  const all = [columns.map(([head]) => head), ...cells];
  const widths = columns.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const show = (line: readonly string[]): string =>
    line
      .map((cell, column) =>
        column < textColumns ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  ');
  return all.map(show).join('\n');
}

/** One line that says whether every promise was kept. */
export function verdict({ planned, passed, failed, total, wrong, seconds, seed }: Summary): string {
  const max = total.pickUpMax?.toFixed(1) ?? '-';
  return [
    failed === 0 ? 'KEPT' : 'BROKEN',
    `${passed} of ${planned} cases passed${wrong.length === 0 ? '' : ` and ${wrong.length} faults of the run`}`,
    `${total.ready} ready, ${total.gone} gone`,
    `${total.orphans} orphans`,
    `${total.doubles} double applies`,
    `picked up after at most ${max} s (limit ${pickUpLimitSeconds} s)`,
    `${(seconds / 60).toFixed(1)} min, seed ${seed}`,
  ].join('; ');
}
