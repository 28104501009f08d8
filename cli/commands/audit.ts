/** `webhoster audit`: who changed what. */
import { Command } from 'commander';
import { type AuditEntry, longestPage } from '../../engine';
import { withAdministration } from '../with-machine';
import { showAuditEntry } from '../../api/account-views';
import { withFacts } from '../facts';
import { printJson } from '../json';
import { tableLines } from '../table';
import { wholeNumber } from '../whole-number';

interface Options {
  readonly limit: number;
  readonly after?: string;
  readonly user?: number;
  readonly action?: string;
  readonly json?: boolean;
}

export function auditCommand(): Command {
  const command = new Command('audit')
    .description('Shows who changed what, from where and with what outcome, newest first')
    .option(
      '--limit <count>',
      `maximum number of entries, up to ${longestPage}`,
      wholeNumber(longestPage),
      50,
    )
    .option('--after <id>', 'only entries older than this one', (value) =>
      String(wholeNumber(Number.MAX_SAFE_INTEGER)(value)),
    )
    .option('--user <number>', 'only entries of this user ID', wholeNumber(2_147_483_647))
    .option('--action <name>', 'only this action, e.g. createHosting or "admin grant"')
    .option('--json', 'JSON output, for scripts')
    .action(async ({ limit, after, user: userId, action, json }: Options) => {
      const entries = await withAdministration((administration) =>
        administration.listAudit({ limit, after, userId, action }),
      );
      if (json) printJson(entries.map(showAuditEntry));
      else for (const line of auditLines(entries)) console.log(line);
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
