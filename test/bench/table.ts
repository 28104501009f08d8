/** Results as a table for a terminal. Pure. */
import { type Bound, isMet, type PartResult } from './result';
import { quantile, shown } from './statistics';

const columns = [
  ['min', 0],
  ['median', 0.5],
  ['p95', 0.95],
  ['max', 1],
] as const;

export function table({ title, series, bounds, notes }: PartResult): string {
  const wide = Math.max(24, ...series.map(({ name }) => name.length)) + 2;
  const lines = [title];
  let group = '';
  for (const each of series) {
    if (each.group !== group) {
      group = each.group;
      lines.push(
        '',
        `  ${group}`,
        `  ${' '.repeat(wide)}${columns.map(([name]) => right(name)).join('')}      n`,
      );
    }
    const figures = columns.map(([, part]) => right(shown(quantile(each.samples, part)))).join('');
    const runs = String(each.samples.length).padStart(7);
    lines.push(`  ${each.name.padEnd(wide)}${figures}${runs} ${each.unit}`.trimEnd());
  }
  return [
    ...lines,
    ...(bounds.length > 0 ? ['', ...bounds.map((bound) => `  ${boundLine(bound)}`)] : []),
    ...(notes.length > 0 ? ['', ...notes.map((note) => `  * ${note}`)] : []),
  ].join('\n');
}

export function boundLine(bound: Bound): string {
  const { name, value, unit, sense, limit } = bound;
  const figure = `${shown(value)} ${unit}`.trim();
  return `${isMet(bound) ? 'ok    ' : 'MISSED'} ${name}: ${figure} (${sense} ${shown(limit)})`;
}

function right(text: string): string {
  return text.padStart(10);
}
