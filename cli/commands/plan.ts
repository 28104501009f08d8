/** `webhoster plan`, `webhoster apply`, `webhoster drift`. */
import { Command } from 'commander';
import { type HostingDrift, lowerAscii, type PlanReport } from '../../engine';
import { showDrift as toDriftJson } from '../../api/terraform-views';
import { ageOf } from '../age';
import { confirmed } from '../confirm';
import { paint } from '../paint';
import { planLines } from '../plan-text';
import { overTheApi, withFacts } from '../facts';
import { printJson } from '../json';
import { printTable } from '../table';
import { withOperator } from '../with-operator';

/** For the argument of commands that need one. */
export const oneHosting = 'VM name, hosting ID or username; over the API, your own by default';

interface PlanFlags {
  readonly new?: string;
  readonly text?: boolean;
  readonly json?: boolean;
}

export function planCommand(): Command {
  const command = new Command('plan')
    .description('Makes a new plan for a hosting and shows what an apply would change. Changes nothing.')
    .argument('[hosting]', oneHosting)
    .option('--new <username>', 'plan a new hosting for this user instead')
    .option('--text', 'the plan as Terraform prints it')
    .option('--json', 'Terraform’s plan in JSON, with secrets masked')
    .action(async (hosting: string | undefined, flags: PlanFlags, command: Command) => {
      if (hosting !== undefined && flags.new !== undefined)
        command.error('error: give either a hosting or --new, not both');
      const report = await withOperator(command, async (operator) =>
        flags.new === undefined
          ? operator.plan((await operator.find(hosting ?? null)).id)
          : operator.planNew(lowerAscii(flags.new.trim())),
      );
      for (const line of reportLines(report, flags)) console.log(line);
      process.exitCode = report.differences.length === 0 ? 0 : 2;
    });
  return withFacts(command, {
    where: 'anywhere',
    examples: ['webhoster plan vm-1a2b3c4d', 'webhoster plan   # your own hosting, over the API'],
    exitCodes: { 0: 'no changes', 1: 'failed, or wrong usage', 2: 'changes', ...overTheApi },
    usageCode: 1,
  });
}

function reportLines(report: PlanReport, { text, json }: PlanFlags): string[] {
  if (json) return [JSON.stringify(report.json, null, 2)];
  return text ? [report.text] : planLines(report);
}

interface ApplyFlags {
  readonly yes?: boolean;
  readonly recreateDisk?: boolean;
}

export function applyCommand(): Command {
  const command = new Command('apply')
    .description(
      'Restores a hosting to its specification, after showing the plan. Its disk is never touched.',
    )
    .argument('[hosting]', oneHosting)
    .option('--yes', 'do not ask for confirmation')
    .option('--recreate-disk', 'create an empty disk if the user’s disk is gone, and its data with it')
    .action(
      async (name: string | undefined, { yes = false, recreateDisk = false }: ApplyFlags, self: Command) => {
        process.exitCode = await withOperator(self, async (operator) => {
          const hosting = await operator.find(name ?? null);
          const report = await operator.plan(hosting.id);
          for (const line of planLines(report)) console.log(line);
          if (report.differences.length === 0) return 0;
          if (!(await confirmed(`\nApply this to ${hosting.vmName} at ${operator.place}?`, yes))) return 1;
          await operator.apply(hosting.id, { recreateDisk, agreed: report.differences }, (message) => {
            console.log(paint('dim', `  ${message}`));
          });
          console.log(`${hosting.vmName} matches its specification`);
          return 0;
        });
      },
    );
  return withFacts(command, {
    where: 'anywhere',
    examples: ['webhoster apply vm-1a2b3c4d --yes'],
    exitCodes: {
      0: 'no differences left',
      1: 'failed, or not confirmed',
      2: 'wrong usage',
      ...overTheApi,
    },
  });
}

interface DriftFlags {
  readonly all?: boolean;
  readonly json?: boolean;
}

export function driftCommand(): Command {
  const command = new Command('drift')
    .description('Shows how running hostings differ from their specification, as of the last checks')
    .argument('[hosting]', 'check this hosting now: VM name, hosting ID or username')
    .option('--all', 'check all hostings now instead of showing the last results')
    .option('--json', 'JSON output, for scripts')
    .action(async (name: string | undefined, { all = false, json = false }: DriftFlags, self: Command) => {
      const found = await withOperator(self, async (operator) => {
        const wanted = name === undefined ? null : (await operator.find(name)).id;
        for (const { hostingId } of all ? await operator.drift() : []) await operator.plan(hostingId);
        if (wanted !== null) await operator.plan(wanted);
        return (await operator.drift()).filter(({ hostingId }) => wanted === null || hostingId === wanted);
      });
      if (json) printJson(found.map((each) => toDriftJson(each, 'en')));
      else showDrift(found);
      process.exitCode = found.some(({ differences }) => differences.length > 0) ? 2 : 0;
    });
  return withFacts(command, {
    where: 'anywhere',
    examples: ['webhoster drift --all', 'webhoster drift mina'],
    exitCodes: { 0: 'no drift', 1: 'failed, or wrong usage', 2: 'drift', ...overTheApi },
    usageCode: 1,
  });
}

function showDrift(found: readonly HostingDrift[]): void {
  if (found.length === 0) {
    console.log('No running or sleeping hostings');
    return;
  }
  const now = new Date();
  printTable(
    ['HOSTING', 'USER', 'CHECKED', 'DIFFERENCES'],
    found.map((each) => [
      each.vmName,
      each.username,
      lookOf(each, now),
      each.differences.join('; ') || (each.checkedAt === null ? '-' : 'none'),
    ]),
  );
}

function lookOf({ checkedAt, lookFailed, lookFailure, isAsleep }: HostingDrift, now: Date): string {
  const looked = checkedAt === null ? 'never' : `${ageOf(checkedAt, now)} ago`;
  if (isAsleep) return `${looked}; asleep`;
  if (!lookFailed) return looked;
  return `${looked}; the latest check failed: ${lookFailure?.message ?? 'reason unknown; plan it again'}`;
}
