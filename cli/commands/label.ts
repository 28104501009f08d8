/** `webhoster label`: groups accounts, so that `teardown --label` finds whatever their users have. */
import { Command } from 'commander';
import { lowerAscii, type UserLabels } from '../../engine';
import { overTheApi, withFacts } from '../facts';
import { printSnakeJson } from '../json';
import { readLabel } from '../label';
import { tableLines } from '../table';
import { withOperator } from '../with-operator';

interface Flags {
  readonly user: readonly string[];
  readonly remove: readonly string[];
  readonly json?: boolean;
}

const more = (name: string, before: readonly string[]): string[] => [...before, name.trim()];

function addLabel(text: string, before: Record<string, string>): Record<string, string> {
  return { ...before, ...readLabel(text) };
}

export function labelCommand(): Command {
  const command = new Command('label')
    .description(
      'Sets labels on accounts; their hostings carry the labels, including future ones. Without labels, shows the current ones.',
    )
    .argument('[labels...]', 'labels to set, such as course=cs101', addLabel, {})
    .requiredOption('--user <username>', 'the account; can be repeated', more, [])
    .option('--remove <name>', 'a label to remove; can be repeated', more, [])
    .option('--json', 'JSON output, for scripts')
    .action(async (set: Record<string, string>, flags: Flags, self: Command) => {
      const found = await withOperator(self, async (operator) => {
        const all: UserLabels[] = [];
        for (const user of flags.user)
          all.push(await operator.label(lowerAscii(user), { set, remove: flags.remove }));
        return all;
      });
      if (flags.json) printSnakeJson(found.map(({ vmName, ...labelled }) => ({ ...labelled, vmId: vmName })));
      else for (const line of labelLines(found)) console.log(line);
    });
  return withFacts(command, {
    where: 'anywhere',
    examples: [
      'webhoster label course=cs101 --user mina --user juno',
      'webhoster label --user mina --remove course',
      'webhoster teardown --label course=cs101 --dry-run',
    ],
    exitCodes: { 0: 'labelled, or shown', 1: 'failed', 2: 'wrong usage', ...overTheApi },
  });
}

function labelLines(found: readonly UserLabels[]): string[] {
  const written = (labels: Readonly<Record<string, string>> | null): string =>
    Object.entries(labels ?? {})
      .map((pair) => pair.join('='))
      .join(' ') || '-';
  return tableLines(
    ['USER', 'LABELS', 'HOSTING', 'ITS LABELS'],
    found.map(({ username, labels, vmName, hostingLabels }) => [
      username,
      written(labels),
      vmName ?? '-',
      written(hostingLabels),
    ]),
  );
}
