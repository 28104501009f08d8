/** `webhoster audit`: who changed what. */
import { Command } from 'commander';
import { type AuditEntry, longestAuditPage } from '../../engine';
import { withAdministration } from '../administrate';
import { withFacts } from '../facts';
import { tableLines } from '../table';
import { wholeNumber } from '../whole-number';

interface Options {
  readonly limit: number;
  readonly before?: string;
  readonly user?: number;
  readonly action?: string;
  readonly json?: boolean;
}

export function auditCommand(): Command {
  const command = new Command('audit')
    .description('Shows who changed what, from where, and how it went; newest first')
    .option(
      '--limit <count>',
      `at most so many, up to ${longestAuditPage}`,
      wholeNumber(longestAuditPage),
      50,
    )
    .option('--before <id>', 'only what is older than this entry', (value) =>
      String(wholeNumber(Number.MAX_SAFE_INTEGER)(value)),
    )
    .option('--user <number>', 'only of this user', wholeNumber(2_147_483_647))
    .option('--action <name>', 'only this, e.g. createHosting or "admin grant"')
    .option('--json', 'for scripts')
    .action(async ({ limit, before, user: userId, action, json }: Options) => {
      const entries = await withAdministration((administration) =>
        administration.listAudit({ limit, before, userId, action }),
      );
      const lines = json ? [JSON.stringify(entries, null, 2)] : auditLines(entries);
      for (const line of lines) console.log(line);
    });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster audit --limit 20', 'webhoster audit --action createHosting --json'],
    exitCodes: { 0: 'shown', 1: 'failed', 2: 'wrong usage' },
  });
}

export function auditLines(entries: readonly AuditEntry[]): string[] {
  return tableLines(
    ['ID', 'WHEN', 'WHO', 'BY', 'WHAT', 'ON', 'HOW', 'FROM', 'REQUEST'],
    entries.map(({ id, at, actor, via, action, target, outcome, code, address, requestId }) => [
      id,
      `${at.toISOString().slice(0, 19)}Z`,
      actor,
      via,
      action,
      target ?? '-',
      code === null ? outcome : `${outcome}: ${code}`,
      address ?? '-',
      requestId ?? '-',
    ]),
  );
}
