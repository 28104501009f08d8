/** Plans and changes for people at a terminal. */
import type { PlanReport, ResourceChange } from '../engine';
import { paint } from './paint';

const signs = { create: '+', update: '~', replace: '-/+', delete: '-' } as const;
const colours = { create: 'green', update: 'yellow', replace: 'yellow', delete: 'red' } as const;

/** One line a resource, with what differs below it. */
export function changeLines(changes: readonly ResourceChange[]): string[] {
  return changes.flatMap(({ address, action, attributes }) => [
    `  ${paint(colours[action], signs[action].padEnd(3))} ${address}`,
    ...attributes.map(
      ({ name, before, after, unknown, forcesReplace }) =>
        `        ${name}: ${shown(before)} -> ${unknown ? '(known after apply)' : shown(after)}` +
        (forcesReplace ? '  # forces replacement' : ''),
    ),
  ]);
}

/** What differs, and how many of each. */
export function planLines({ differences, changes }: PlanReport): string[] {
  if (differences.length === 0) return ['No changes: the hosting matches its specification.'];
  const seen = new Set(changes.map(({ address }) => address));
  // what Terraform does not see has no change of its own
  const unseen = differences.filter((line) => !seen.has(line.split(':')[0] ?? ''));
  const count = (action: string): number => changes.filter((change) => change.action === action).length;
  return [
    ...unseen.map((line) => `  ${paint('red', '!  ')} ${line}`),
    ...changeLines(changes),
    '',
    `${count('create')} to create, ${count('update')} to change, ${count('replace')} to replace, ${count('delete')} to delete` +
      (unseen.length > 0 ? `; ${unseen.length} that Terraform does not see` : ''),
  ];
}

const longest = 60;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
