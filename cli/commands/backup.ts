/** `webhoster backup FILE` and `webhoster restore FILE`. */
import { Command } from 'commander';
import {
  type BackupSummary,
  createLog,
  loadConfig,
  makeBackup,
  restoreBackup,
  type RestoreReport,
  type StackResult,
  toEngineError,
  verifyBackup,
} from '../../engine';
import { withFacts } from '../facts';
import { operatorName } from '../operator-name';
import { printJson, printSnakeJson } from '../json';
import { printTable } from '../table';
import { untilStopped } from '../until-stopped';

interface BackupFlags {
  readonly force?: boolean;
  readonly verify?: boolean;
  readonly json?: boolean;
}

interface RestoreFlags {
  readonly replace?: boolean;
  readonly lostStateKey?: boolean;
  readonly json?: boolean;
}

export function backupCommand(): Command {
  const command = new Command('backup')
    .description(
      'Writes the database, including the Terraform states, to one file; works while the service is running. Treat the ' +
        'file as a secret. It contains neither STATE_KEY, without which it is of little use, nor the disks of the VMs.',
    )
    .argument('<file>', 'the tar archive to write, with mode 0600')
    .option('--force', 'replace the file if it exists')
    .option('--verify', 'write nothing; read the file and compare all checksums; needs no database')
    .option('--json', 'JSON output, for scripts')
    .action(async (file: string, { force = false, verify = false, json = false }: BackupFlags) => {
      const working = verify
        ? verifyBackup(file)
        : makeBackup(loadConfig(), file, {
            existing: force ? 'replace' : 'refuse',
            signal: untilStopped(),
          });
      const summary = await working.catch(failed(json, 1));
      if (summary === null) return;
      if (json) printSnakeJson(summary);
      else
        console.log(
          `${verify ? `intact, made ${made(summary)}` : 'written'}: ${contents(summary)}, ${size(summary.bytes)}, ` +
            `${summary.seconds.toFixed(1)} s`,
        );
    });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster backup /var/backups/vm-webhoster/today.backup'],
    exitCodes: { 0: 'written; with --verify: intact', 1: 'failed', 2: 'wrong usage, or refused' },
  });
}

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      'Restores the database from a backup, rebuilds the Terraform workspaces and plans every stack, without applying ' +
        'anything. The service must be stopped. scripts/start.sh --restore FILE does all of this and starts the service.',
    )
    .argument('<file>', 'a file written by `webhoster backup`')
    .option('--replace', 'empty the database first if it is not empty')
    .option('--lost-state-key', 'restore although STATE_KEY is lost: the Terraform states stay sealed')
    .option('--json', 'JSON output, for scripts')
    .action(async (file: string, { replace = false, lostStateKey = false, json = false }: RestoreFlags) => {
      const tell = (line: string): void => {
        if (json) console.error(line);
        else console.log(line);
      };
      const report = await restoring(file, { replace, lostStateKey, json }, tell).catch(failed(json, 2));
      if (report === null) return;
      if (json) printSnakeJson(report);
      else show(report);
      process.exitCode = allTheSame(report) ? 0 : 1;
    });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster restore --replace /var/backups/vm-webhoster/today.backup'],
    exitCodes: {
      0: 'restored, and no stack has changes to apply',
      1: 'restored, but not every stack matches',
      2: 'wrong usage, or refused: nothing was restored',
    },
  });
}

// async: what is wrong with the configuration is a refusal too
async function restoring(
  file: string,
  { replace, lostStateKey, json }: Required<RestoreFlags>,
  tell: (line: string) => void,
): Promise<RestoreReport> {
  // the log shares the output with the report, which says why something failed too
  const log = createLog(json ? 'silent' : (process.env.LOG_LEVEL ?? 'fatal'));
  return restoreBackup(loadConfig(), log, file, {
    who: operatorName(),
    existing: replace ? 'replace' : 'refuse',
    stateKey: lostStateKey ? 'lost' : 'of the backup',
    signal: untilStopped(),
    onEvent: tell,
    onResult: ({ id, result, seconds }) => {
      tell(`  ${id} ${result} (${seconds.toFixed(1)} s)`);
    },
  });
}

function allTheSame({ stacks, planning }: RestoreReport): boolean {
  return planning === null && stacks.every(({ result }) => result === 'no changes');
}

function show({ backup, warnings, stacks, planning }: RestoreReport): void {
  console.log();
  printTable(['STACK', 'KIND', 'RESULT', 'TIME'], stacks.map(row));
  console.log(
    `\nrestored from the backup of ${made(backup)}: ${contents(backup)}, ${backup.seconds.toFixed(1)} s`,
  );
  for (const warning of warnings) console.log(`warning: ${warning}`);
  if (planning !== null) console.log(`warning: the stacks could not be planned: ${planning}`);
}

function row({ id, kind, result, detail, seconds }: StackResult): string[] {
  return [id, kind, detail === '' ? result : `${result}: ${detail}`, `${seconds.toFixed(1)} s`];
}

/** Tells why, and the exit code: a refusal is always 2. */
function failed(json: boolean, otherwise: 1 | 2): (thrown: unknown) => null {
  return (thrown) => {
    const error = toEngineError(
      thrown,
      'internal',
      thrown instanceof Error ? thrown.message : 'Unknown error',
    );
    if (json) printJson({ error: { code: error.code, message: error.message } });
    else console.error(`error: ${error.message}`);
    if (process.env.LOG_LEVEL === 'debug') console.error(error.cause);
    process.exitCode = error.code === 'validation_failed' ? 2 : otherwise;
    return null;
  };
}

function made({ madeAt, version }: BackupSummary): string {
  return `${madeAt.toISOString()} by version ${version}`;
}

function contents({ tables, rows }: BackupSummary): string {
  return `${tables.length} tables, ${rows} rows`;
}

function size(bytes: number): string {
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
