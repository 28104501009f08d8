import { chart } from '../../bench/chart';
import type { PartResult } from '../../bench/result';
import { table } from '../../bench/table';

const result: PartResult = {
  part: 'nginx',
  title: 'Nginx & its "hostings" <10>',
  series: [
    { group: 'publish', name: '10 hostings', unit: 's', samples: [0.2, 0.4, 0.3], role: 'ours' },
    { group: 'publish', name: 'bare', unit: 's', samples: [0.1], role: 'compared' },
    { group: 'publish', name: 'inside', unit: 's', samples: [0.05], role: 'detail' },
    { group: 'throughput', name: 'by the path', unit: 'requests/s', samples: [12_345], role: 'ours' },
  ],
  bounds: [
    { name: 'publish', value: 0.3, unit: 's', sense: 'at most', limit: 2 },
    { name: 'throughput', value: 0.5, unit: '', sense: 'at least', limit: 0.9 },
  ],
  notes: ['guests are fakes'],
};

describe('the table', () => {
  const lines = table(result).split('\n');

  it('has a row of each series under its group, with least, median, p95, most and how many', () => {
    const row = lines.find((line) => line.includes('10 hostings'));
    expect(row?.trim().split(/\s{2,}/)).toEqual(['10 hostings', '0.20', '0.30', '0.39', '0.40', '3 s']);
    expect(lines.filter((line) => line === '  publish')).toHaveLength(1);
  });

  it('says of each bound whether it was met', () => {
    expect(lines).toContain('  ok     publish: 0.30 s (at most 2)');
    expect(lines).toContain('  MISSED throughput: 0.50 (at least 0.90)');
  });

  it('ends with what a reader must know', () => {
    expect(lines.at(-1)).toBe('  * guests are fakes');
  });

  it('aligns figures of all rows', () => {
    const ends = lines.filter((line) => /hostings|bare|inside/.test(line) && / s$/.test(line));
    expect(new Set(ends.map((line) => line.length)).size).toBe(1);
  });
});

describe('the picture', () => {
  const svg = chart(result);
  const widths = [...svg.matchAll(/<rect class="(ours|compared)"[^>]* width="([\d.]+)"/g)].map(
    ([, role, width]) => [role, Number(width)] as const,
  );

  it('has a bar of each series but for details, to scale within its group', () => {
    expect(widths.map(([role]) => role)).toEqual(['ours', 'compared', 'ours']);
    // medians of 0.3 and 0.1, the longest sample of the group is 0.4
    expect(widths[0]![1] / widths[1]![1]).toBeCloseTo(3, 1);
    expect(widths[2]![1]).toBe(430);
    expect(svg).not.toContain('inside');
  });

  it('shows the median of each bar and every bound', () => {
    for (const text of ['>0.30<', '>0.10<', '>12,345<', 'ok publish: 0.30 s', 'MISSED throughput: 0.50'])
      expect(svg).toContain(text);
  });

  it('keeps what a name holds out of its markup', () => {
    expect(svg).toContain('Nginx &amp; its &quot;hostings&quot; &lt;10>');
  });

  it('has colours for light and for dark', () => {
    expect(svg).toMatch(/\.paper\{fill:#ffffff.*prefers-color-scheme:dark.*\.paper\{fill:#0d1117/);
  });

  it('fits on its page', () => {
    const height = Number(/height="(\d+)"/.exec(svg)?.[1]);
    const lowest = Math.max(...[...svg.matchAll(/ y="([\d.]+)"/g)].map(([, y]) => Number(y)));
    expect(lowest).toBeLessThan(height);
  });
});
