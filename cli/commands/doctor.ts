/** `webhoster doctor`. Exit codes: 0 nothing found (or everything fixed), 1 findings, 2 the check failed. */
import { Command } from 'commander';
import {
  adviceFor,
  type Diagnosis,
  type Finding,
  findingKinds,
  type Mended,
  toEngineError,
} from '../../engine';
import { withFacts } from '../facts';
import { printJson, printSnakeJson } from '../json';
import { printTable } from '../table';
import { withMachine } from '../with-machine';

interface Options {
  readonly json?: boolean;
  readonly fix?: boolean;
  readonly unknown?: boolean;
}

export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description(
      'Compares PostgreSQL, Terraform states, libvirt, Nginx, ports and addresses, and reports what does not match. ' +
        'Never touches anything that does not belong to the service.',
    )
    .option('--fix', 'fix everything that needs no decision of yours')
    .option('--unknown', 'with --fix: also remove what is unknown to a restored database')
    .option('--json', 'JSON output, for scripts')
    .action(async (options: Options) => {
      process.exitCode = await run(options);
    });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster doctor --fix'],
    exitCodes: {
      0: 'nothing found, or everything fixed',
      1: 'findings are left',
      2: 'wrong usage, or the check failed',
    },
  });
}

async function run({ json = false, fix = false, unknown = false }: Options): Promise<number> {
  const diagnosis = await look(fix, unknown, json ? undefined : showMended).catch((thrown: unknown) => {
    const error = toEngineError(thrown);
    if (json) printJson({ error: { code: error.code, message: error.message } });
    else console.error(`error: the check failed: ${error.message}`);
    return null;
  });
  if (diagnosis === null) return 2;
  if (json) printSnakeJson(asJson(diagnosis));
  else show(diagnosis);
  return diagnosis.left.length === 0 ? 0 : 1;
}

function look(fix: boolean, unknown: boolean, onMended?: (mended: Mended) => void): Promise<Diagnosis> {
  return withMachine(({ examine }) => examine({ fix, unknown, onMended }), { postgres: 'must-run' });
}

function showMended({ finding, result, reason }: Mended): void {
  console.log(`${result.padEnd(8)}  ${finding.kind}  ${finding.subject}${reason ? `: ${reason}` : ''}`);
}

function show({ report, mended, left, restoredFrom }: Diagnosis): void {
  const seconds = (report.ms / 1000).toFixed(1);
  if (report.findings.length === 0) {
    console.log(`Everything matches (${seconds} s)`);
    return;
  }
  if (mended !== null) {
    console.log(left.length === 0 ? '\nEverything matches now' : `\n${counted(left.length)} left:\n`);
  }
  if (left.length === 0) return;
  printTable(
    ['KIND', 'WHAT', 'MEANS', 'TO DO'],
    left.map((finding) => [
      finding.kind,
      finding.subject,
      [findingKinds[finding.kind].title, finding.detail].filter(Boolean).join(': '),
      toDo(finding, restoredFrom),
    ]),
  );
  if (mended === null) console.log(`\n${counted(left.length)} (${seconds} s)`);
}

function toDo(finding: Finding, restoredFrom: Date | null): string {
  const advice = adviceFor(finding);
  if (advice !== null) return advice;
  if (finding.known || restoredFrom === null) return 'webhoster doctor --fix';
  return `may be newer than the backup of ${restoredFrom.toISOString()}; to remove it: webhoster doctor --fix --unknown`;
}

function counted(findings: number): string {
  return findings === 1 ? '1 finding' : `${findings} findings`;
}

function asJson({ report, mended, left, restoredFrom }: Diagnosis): unknown {
  return {
    at: report.at,
    ms: report.ms,
    findings: report.findings,
    mended,
    left,
    restoredFrom,
  };
}
