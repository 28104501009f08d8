/** docs/fidelity.md, from the list of differences and from what was seen. */
import type { Case, Way } from './case';
import type { Listed } from './differences';

/** Numbers of the list, from 1. */
export type Seen = ReadonlyMap<Case, ReadonlyMap<Way, ReadonlySet<number>>>;

const protocols = ['HTTP', 'HTTPS', 'HTTP/2'] as const;

export function document(text: string, listed: readonly Listed[], seen: Seen): string {
  const differences = listed.map(({ what, why }, index) => `| ${index + 1} | ${what} | ${why} |`);
  const groups = [...new Set([...seen.keys()].map(({ group }) => group))];
  const rows = groups.flatMap((group) => [
    `| **${group}** | | | |`,
    ...[...seen].filter(([one]) => one.group === group).map(([one, ways]) => row(one, ways)),
  ]);
  return text
    .replace('@differences@', () =>
      ['| | Difference | Why |', '| --- | --- | --- |', ...differences].join('\n'),
    )
    .replace('@matrix@', () =>
      ['| | HTTP | HTTPS | HTTP/2 |', '| --- | --- | --- | --- |', ...rows].join('\n'),
    );
}

function row(one: Case, ways: ReadonlyMap<Way, ReadonlySet<number>>): string {
  const order = ['path', 'host name', 'own domain'];
  const sorted = [...ways].sort(([a], [b]) => order.indexOf(a.name) - order.indexOf(b.name));
  const cells = protocols.map((protocol) => cell(sorted.filter(([way]) => way.protocol === protocol)));
  return `| ${code(one.name)} | ${cells.join(' | ')} |`;
}

/** One word where all three ways are alike. */
function cell(ways: readonly (readonly [Way, ReadonlySet<number>])[]): string {
  if (ways.length === 0) return '–';
  const texts = ways.map(
    ([way, numbers]) =>
      [way.name, numbers.size === 0 ? '=' : [...numbers].sort((a, b) => a - b).join(', ')] as const,
  );
  const different = new Set(texts.map(([, text]) => text));
  if (different.size === 1) return texts[0]?.[1] ?? '';
  return [...different]
    .map(
      (text) =>
        `${text} by ${texts
          .filter(([, each]) => each === text)
          .map(([name]) => name)
          .join(' and ')}`,
    )
    .join('; ');
}

function code(text: string): string {
  return text
    .replaceAll('|', String.raw`\|`)
    .replaceAll('<', '&lt;')
    .replaceAll('*', String.raw`\*`);
}
