/** Brings a backup back: checks the file, loads the database, rebuilds the workspaces, plans every stack. */
import { actingAs } from '../model/actor';
import type { Config } from '../base/config';
import { toEngineError } from '../base/errors';
import type { Log } from '../base/log';
import { recordOnMachine } from '../audit';
import type { Parts } from '../durable';
import { withConnected } from '../operator';
import { databaseUrl } from '../store/url';
import { withBackup } from './archive-reader';
import { keyFingerprints, type KeyFingerprints } from './fingerprint';
import { loadDatabase, type LoadOptions } from './load-database';
import { refused } from './manifest';
import { planStacks, type StackResult } from './plan-stacks';
import { type BackupSummary, summarize } from './summary';
import { withPostgres } from './with-postgres';

export interface RestoreOptions extends LoadOptions {
  /** The name of whoever gives the command. */
  readonly who: string;
  /** `lost` loads a backup whose STATE_KEY is gone for good: its states stay closed. */
  readonly stateKey: 'of the backup' | 'lost';
  readonly onEvent: (message: string) => void;
  readonly onResult: (result: StackResult) => void;
}

export interface RestoreReport {
  /** Its seconds are those of reading and loading. */
  readonly backup: BackupSummary;
  readonly warnings: readonly string[];
  readonly stacks: readonly StackResult[];
  /** Why the stacks could not be planned at all; the database is restored all the same. */
  readonly planning: string | null;
}

/**
 * @param replace  parts in the place of the real ones
 * @throws {EngineError} when nothing was restored: validation_failed, config_invalid, database_unavailable, internal.
 * What fails after that is in the report
 */
export async function restoreBackup(
  config: Config,
  log: Log,
  file: string,
  options: RestoreOptions,
  replace: Partial<Parts> = {},
): Promise<RestoreReport> {
  const { onEvent, signal } = options;
  const started = performance.now();
  return withBackup(file, async ({ archive, manifest }) => {
    onEvent(`the backup of ${manifest.madeAt}, made by version ${manifest.version}, is intact`);
    const warnings = checkKeys(manifest.keys, keyFingerprints(config), options.stateKey);
    return withPostgres(config, { missing: 'make' }, async () => {
      const load = loadDatabase(databaseUrl(config), { archive, manifest }, options);
      const leftOut = await load.catch((thrown: unknown) => {
        signal.throwIfAborted();
        throw notRestored(thrown);
      });
      const backup = summarize(manifest, archive.size, started);
      onEvent(`the database is restored: ${backup.tables.length} tables, ${backup.rows} rows`);
      warnings.push(
        ...leftOut.map(
          (name) => `Table ${name} of the backup does not belong to this service and was left out`,
        ),
      );
      const target = `backup of ${manifest.madeAt}`;
      const planned = await planRestored(config, log, { ...options, target }, replace);
      return { backup, warnings, ...planned };
    });
  });
}

function checkKeys(
  then: KeyFingerprints,
  now: KeyFingerprints,
  stateKey: RestoreOptions['stateKey'],
): string[] {
  const warnings: string[] = [];
  if (then.STATE_KEY !== now.STATE_KEY && stateKey === 'of the backup')
    throw refused(
      'STATE_KEY is not the one that this backup was made with, so its Terraform states could not be opened. ' +
        'Put the secrets/state_key of that time back into DATA_DIR (or STATE_KEY, or the file named by STATE_KEY_FILE) and try again',
    );
  if (then.STATE_KEY !== now.STATE_KEY)
    warnings.push('STATE_KEY has changed: the Terraform states of this backup stay sealed');
  if (then.JWT_SECRET !== now.JWT_SECRET)
    warnings.push('JWT_SECRET has changed: all users have to sign in again');
  return warnings;
}

/** SQLSTATE of a lock that could not be had in time. */
const lockTimeout = '55P03';

function notRestored(thrown: unknown): unknown {
  if ((thrown as { code?: unknown } | null)?.code === lockTimeout)
    return refused('Another session holds locks in the database; end it and try again', thrown);
  return toEngineError(thrown, 'internal', 'The backup could not be restored; the database is as it was');
}

async function planRestored(
  config: Config,
  log: Log,
  { who, target, onResult, onEvent, signal }: RestoreOptions & { readonly target: string },
  replace: Partial<Parts>,
): Promise<Pick<RestoreReport, 'stacks' | 'planning'>> {
  const stacks: StackResult[] = [];
  try {
    return await withConnected(
      config,
      log,
      async (connected) => {
        const { direct } = connected.parts.database;
        await recordOnMachine(direct, who, { action: 'restore', target, outcome: 'done', code: null });
        onEvent('rebuilding the workspaces and planning all stacks');
        const told = (result: StackResult): void => {
          stacks.push(result);
          onResult(result);
        };
        const planned = await actingAs(who, () => planStacks(connected, { signal, onResult: told }));
        return { stacks: planned, planning: null };
      },
      replace,
    );
  } catch (thrown) {
    log.error({ err: thrown }, 'stacks could not be planned');
    const why = signal.aborted ? 'stopped before all stacks were planned' : toEngineError(thrown).message;
    return { stacks, planning: why };
  }
}
