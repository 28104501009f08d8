/**
 * A part's medians as horizontal bars, with a line from the least to the greatest sample. The picture brings its own
 * background and follows the reader's light or dark scheme. Pure.
 */
import { isMet, type PartResult, type Series } from './result';
import { median, shown } from './statistics';
import { boundLine } from './table';

const width = 860;
const [labelsEnd, barsEnd] = [300, 730];
const [rowHeight, barHeight] = [26, 16];

/** Light first; the second is for dark. */
const colours = {
  paper: ['#ffffff', '#0d1117'],
  text: ['#1f2328', '#e6edf3'],
  quiet: ['#59636e', '#9198a1'],
  frame: ['#d1d9e0', '#3d444d'],
  ours: ['#0969da', '#4493f8'],
  compared: ['#8c959f', '#768390'],
  range: ['#1f2328', '#e6edf3'],
  missed: ['#cf222e', '#ff7b72'],
} as const;

export function chart({ title, series, bounds }: PartResult): string {
  const parts: string[] = [];
  let y = 24;
  parts.push(text('title', 20, (y += 8), title));
  for (const [group, rows] of groups(series)) {
    y += 34;
    parts.push(text('group', 20, y, `${group}, ${rows[0]?.unit ?? ''}`.replace(/, $/, '')));
    y += 10;
    const most = Math.max(...rows.flatMap(({ samples }) => samples), Number.MIN_VALUE);
    for (const row of rows) {
      parts.push(...bar(row, y, (value) => (value / most) * (barsEnd - labelsEnd)));
      y += rowHeight;
    }
  }
  if (bounds.length > 0) y += 12;
  for (const bound of bounds) {
    y += 20;
    parts.push(text(isMet(bound) ? 'bound' : 'bound missed', 20, y, boundLine(bound).replace(/ +/g, ' ')));
  }
  const height = y + 24;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style()}</style>`,
    `<rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function groups(series: readonly Series[]): Map<string, Series[]> {
  const found = new Map<string, Series[]>();
  for (const each of series)
    if (each.role !== 'detail' && each.samples.length > 0)
      found.set(each.group, [...(found.get(each.group) ?? []), each]);
  return found;
}

function bar({ name, samples, role }: Series, y: number, scale: (value: number) => number): string[] {
  const middle = y + rowHeight / 2;
  const value = median(samples);
  const length = Math.max(1, scale(value));
  const [least, most] = [scale(Math.min(...samples)), scale(Math.max(...samples))];
  return [
    text('label', labelsEnd - 10, middle + 4, name),
    `<rect class="${role}" x="${labelsEnd}" y="${round(middle - barHeight / 2)}" width="${round(length)}" height="${barHeight}" rx="2"/>`,
    `<path class="range" d="M${round(labelsEnd + least)} ${middle}H${round(labelsEnd + Math.max(most, least + 0.5))}"/>`,
    text('value', labelsEnd + Math.max(length, most) + 8, middle + 4, shown(value)),
  ];
}

function text(kind: string, x: number, y: number, content: string): string {
  return `<text class="${kind}" x="${round(x)}" y="${round(y)}">${escaped(content)}</text>`;
}

function style(): string {
  const paint = (scheme: 0 | 1): string =>
    [
      `.paper{fill:${colours.paper[scheme]};stroke:${colours.frame[scheme]}}`,
      `text{fill:${colours.text[scheme]}}`,
      `.group,.bound{fill:${colours.quiet[scheme]}}`,
      `.missed{fill:${colours.missed[scheme]}}`,
      `.ours{fill:${colours.ours[scheme]}}`,
      `.compared{fill:${colours.compared[scheme]}}`,
      `.range{stroke:${colours.range[scheme]}}`,
    ].join('');
  return [
    'text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}',
    '.title{font-size:17px;font-weight:600}.group{font-weight:600}.label{text-anchor:end}',
    '.value{font-variant-numeric:tabular-nums}.range{stroke-width:1.5;opacity:.6}',
    paint(0),
    `@media (prefers-color-scheme:dark){${paint(1)}}`,
  ].join('');
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
