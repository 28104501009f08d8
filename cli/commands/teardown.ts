/** `webhoster teardown`: by hosting, user, label, age, or all. */
import { Command, Option } from 'commander';
import { showChange } from '../../api/terraform-views';
import { printJson } from '../json';
import { overTheApi, withFacts } from '../facts';
import {
  type HostingFilter,
  loadConfig,
  lowerAscii,
  namesHosting,
  tearDownOffline,
  type TornDown,
} from '../../engine';
import { readAge } from '../age';
import { confirmed } from '../confirm';
import { readLabel } from '../label';
import { paint } from '../paint';
import { changeLines } from '../plan-text';
import { untilStopped } from '../until-stopped';
import { withOperator } from '../with-operator';
import { wholeNumber } from '../whole-number';

interface Flags {
  readonly all?: boolean;
  readonly label: Record<string, string>;
  readonly olderThan?: number;
  readonly parallel: number;
  readonly dryRun?: boolean;
  readonly offline?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function teardownCommand(): Command {
  const command = new Command('teardown')
    .description(
      'Removes hostings, a few at a time. On the machine of the service, also works while the service is stopped; safe to repeat and to interrupt.',
    )
    .argument('[names...]', 'VM names, hosting IDs or usernames')
    .option('--all', 'all hostings')
    .addOption(
      new Option('--label <name=value>', 'hostings with this label; can be repeated')
        .argParser(addLabel)
        .default({}, 'any'),
    )
    .option('--older-than <age>', 'hostings created longer ago than this: 30m, 12h, 90d', readAge)
    .option('--parallel <count>', 'number of hostings to remove at a time', wholeNumber(64), 4)
    .option('--dry-run', 'show the plan for each, remove nothing')
    .option('--offline', 'work without a database, from the workspaces on this machine')
    .option('--yes', 'do not ask for confirmation')
    .option('--json', 'JSON output, for scripts')
    .action(async (typed: string[], flags: Flags, command: Command) => {
      const names = [...new Set(typed.map((name) => lowerAscii(name.trim())))];
      const chosen = flags.all || names.length > 0 || Object.keys(flags.label).length > 0 || flags.olderThan;
      if (!chosen) command.error('error: specify which: names, --label, --older-than, or --all');
      if (flags.all && names.length > 0) command.error('error: give either names or --all, not both');
      if (flags.offline && (Object.keys(flags.label).length > 0 || flags.olderThan))
        command.error('error: labels and ages are in the database: with --offline, use names or --all');
      if (flags.offline && command.optsWithGlobals<{ url?: string }>().url !== undefined)
        command.error(
          'error: --offline works only on the machine of the service: run it there, without --url',
        );
      const results = await (flags.offline ? offline(names, flags) : online(command, names, flags));
      if (results === null) {
        process.exitCode = 1;
        return;
      }
      const unknown = unknownOf(names, results);
      summarize(results, unknown, flags);
      process.exitCode = unknown.length > 0 || results.some(({ result }) => result === 'left') ? 1 : 0;
    });
  return withFacts(command, {
    where: 'anywhere',
    examples: ['webhoster teardown --label course=cs101 --dry-run', 'webhoster teardown --all --yes'],
    exitCodes: {
      0: 'all removed',
      1: 'some are left (repeat to continue), or a name matches no hosting',
      2: 'wrong usage',
      ...overTheApi,
    },
  });
}

function online(command: Command, names: string[], flags: Flags): Promise<TornDown[] | null> {
  return withOperator(command, async (operator, handover) => {
    const filter: HostingFilter = {
      names,
      labels: flags.label,
      olderThanSeconds: flags.olderThan ?? null,
    };
    const chosen = await operator.select(filter);
    tellUnknown(unknownOf(names, chosen), flags);
    if (chosen.length === 0) return [];
    if (!flags.dryRun) {
      const list = chosen.map(({ vmName, username }) => `${vmName} (${username})`).join(', ');
      if (
        !(await confirmed(
          `Remove ${chosen.length} hosting${chosen.length === 1 ? '' : 's'} with all data at ${operator.place}: ${list}?`,
          flags.yes ?? false,
        ))
      )
        return null;
    }
    return operator.tearDown(chosen, { ...options(flags), handover });
  });
}

async function offline(names: string[], flags: Flags): Promise<TornDown[] | null> {
  const which = names.length > 0 ? names.join(', ') : 'all hostings that have a workspace here';
  if (!flags.dryRun && !(await confirmed(`Remove ${which}, with all data?`, flags.yes ?? false))) return null;
  const results = await tearDownOffline(loadConfig(), names, {
    ...options(flags),
    handover: untilStopped(),
  });
  tellUnknown(unknownOf(names, results), flags);
  return results;
}

function options({ dryRun = false, parallel, json }: Flags) {
  return { dryRun, parallel, onResult: json ? () => undefined : showOne };
}

function showOne(
  { vmName, username, result, reason, changes, seconds }: TornDown,
  done: number,
  of: number,
): void {
  const colour = result === 'left' ? 'red' : 'green';
  const head = `[${String(done).padStart(String(of).length)}/${of}] ${vmName} (${username}) `;
  console.log(
    `${head}${paint(colour, result)} ${seconds.toFixed(1)} s${reason === null ? '' : `: ${reason}`}`,
  );
  for (const line of changeLines(changes)) console.log(line);
}

/** Names of which there is no hosting, or none with these labels and of this age. */
function unknownOf(
  names: readonly string[],
  found: readonly Pick<TornDown, 'id' | 'vmName' | 'username'>[],
): string[] {
  return names.filter((name) => !found.some((hosting) => namesHosting(name, hosting)));
}

/** Before anything is asked or removed: who mistyped one name may want to see to the others first. */
function tellUnknown(unknown: readonly string[], { label, olderThan }: Flags): void {
  const narrowed = Object.keys(label).length > 0 || olderThan !== undefined;
  const which = narrowed ? 'no hosting with that label or age matches' : 'no hosting matches';
  for (const name of unknown) console.error(`error: ${which} "${name}" (VM name, ID or username)`);
}

function summarize(results: readonly TornDown[], unknown: readonly string[], { json }: Flags): void {
  const count = (result: TornDown['result']): number =>
    results.filter((each) => each.result === result).length;
  if (json) {
    printJson({
      ...{ gone: count('gone'), left: count('left'), planned: count('planned'), unknown },
      results: results.map(tornDownJson),
    });
    return;
  }
  if (results.length === 0) console.log('No such hosting; nothing was removed');
  else if (count('planned') > 0) console.log(`${count('planned')} would be removed; nothing was removed`);
  else
    console.log(
      `${count('gone')} gone, ${count('left')} left${count('left') > 0 ? '; repeat to continue' : ''}`,
    );
}

function tornDownJson({ id, vmName, username, result, reason, changes, seconds }: TornDown): unknown {
  return {
    id,
    vm_name: vmName,
    vm_id: vmName,
    username,
    result,
    reason,
    changes: changes.map(showChange),
    seconds,
  };
}

function addLabel(text: string, before: Record<string, string>): Record<string, string> {
  return { ...before, ...readLabel(text) };
}
