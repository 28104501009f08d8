/** `webhoster runs HOSTING` and `webhoster runs show ID`. */
import { Command } from 'commander';
import type { Run, RunDetail } from '../../engine';
import { showRun, showRunDetail } from '../../api/terraform-views';
import { ageOf } from '../age';
import { isOutputClosed } from '../closed-output';
import { printJson } from '../json';
import { changeLines } from '../plan-text';
import { oneHosting } from './plan';
import { overTheApi, withFacts } from '../facts';
import { printTable } from '../table';
import { withOperator } from '../with-operator';
import { wholeNumber } from '../whole-number';

export function runsCommand(): Command {
  const command = new Command('runs')
    .description('Shows Terraform runs: when, for whom, their logs and plans')
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(showCommand());
  return withFacts(command, {
    where: 'anywhere',
    examples: ['webhoster runs vm-1a2b3c4d   # the same as webhoster runs list vm-1a2b3c4d'],
    exitCodes: { 0: 'shown', 1: 'failed', 2: 'wrong usage', ...overTheApi },
  });
}

function listCommand(): Command {
  const command = new Command('list')
    .description('Lists the runs of a hosting, newest first')
    .argument('[hosting]', oneHosting)
    .option('--limit <count>', 'maximum number of runs', wholeNumber(1_000), 20)
    .option('--json', 'JSON output, for scripts')
    .action(
      async (name: string | undefined, { limit, json }: { limit: number; json?: boolean }, self: Command) => {
        const runs = await withOperator(self, async (operator) =>
          operator.runs((await operator.find(name ?? null)).id, limit),
        );
        if (json) printJson(runs.map(showRun));
        else printTable(['RUN', 'KIND', 'AGE', 'TOOK', 'EXIT', 'CHANGES', 'BY'], runs.map(runRow));
      },
    );
  return withFacts(command, {
    where: 'anywhere',
    examples: ['webhoster runs list vm-1a2b3c4d --limit 5'],
    exitCodes: { 0: 'listed', 1: 'failed', 2: 'wrong usage', ...overTheApi },
  });
}

function showCommand(): Command {
  const command = new Command('show')
    .description('Shows one run: timings as a waterfall, then its log')
    .argument('<id>', 'run ID, as listed by `webhoster runs`')
    .option('--log', 'only the log')
    .option('--follow', 'the log as it is written, until the run ends')
    .option('--plan', 'only the plan, as Terraform prints it')
    .option('--json', 'everything, including Terraform’s plan in JSON, with secrets masked')
    .action(async (id: string, flags: ShowFlags, self: Command) => {
      await withOperator(self, async (operator) => {
        if (flags.follow) {
          for await (const text of operator.followRun(id)) {
            process.stdout.write(text);
            if (isOutputClosed()) return;
          }
          return;
        }
        for (const line of detailLines(await operator.run(id), flags)) console.log(line);
      });
    });
  return withFacts(command, {
    where: 'anywhere',
    examples: ['webhoster runs show 5f0c1f0e-0f7b-4f57-8f1c-0d8b3c1f2a3b --follow'],
    exitCodes: { 0: 'shown', 1: 'failed', 2: 'wrong usage', ...overTheApi },
  });
}

interface ShowFlags {
  readonly log?: boolean;
  readonly follow?: boolean;
  readonly plan?: boolean;
  readonly json?: boolean;
}

function runRow(run: Run): string[] {
  return [
    run.id,
    run.kind,
    `${ageOf(run.startedAt, new Date())} ago`,
    run.finishedAt === null ? '-' : seconds(run.finishedAt.getTime() - run.startedAt.getTime()),
    run.exitCode === null ? '-' : String(run.exitCode),
    run.changes.map(({ address, action }) => `${action} ${address}`).join(', ') || '-',
    run.requestedBy ?? 'the service',
  ];
}

function detailLines(run: RunDetail, { log, plan, json }: ShowFlags): string[] {
  if (json) return [JSON.stringify(showRunDetail(run), null, 2)];
  if (log) return [run.log.trimEnd()];
  if (plan) return [run.planText ?? 'This run made no plan'];
  const tools = Object.entries(run.tools).map(([name, version]) => `${name} ${version}`);
  return [
    `${run.kind} by ${run.requestedBy ?? 'the service'} on ${run.host}, ${run.startedAt.toISOString()}`,
    `${run.exitCode === null ? 'not finished' : `exit ${run.exitCode}`}; ${tools.join(', ')}`,
    '',
    ...waterfall(run.phases),
    ...(run.changes.length > 0 ? ['', ...changeLines(run.changes)] : []),
    '',
    run.log.trimEnd(),
  ];
}

const barWidth = 40;

/** Each phase as a bar from when it began to when it ended. */
export function waterfall(phases: Run['phases']): string[] {
  const total = Math.max(1, ...phases.map(({ startMs, ms }) => startMs + ms));
  const name = Math.max(0, ...phases.map(({ phase }) => phase.length));
  return phases.map(({ phase, startMs, ms }) => {
    const from = Math.floor((startMs / total) * barWidth);
    const width = Math.max(1, Math.round((ms / total) * barWidth));
    const bar = `${' '.repeat(from)}${'█'.repeat(width)}`.slice(0, barWidth).padEnd(barWidth);
    return `  ${phase.padEnd(name)}  ${bar}  ${seconds(ms)}`;
  });
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
