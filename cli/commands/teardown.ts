/** `webhoster teardown`: by hosting, user, label, age, or all. */
import { Command, Option } from 'commander';
import { overTheApi, withFacts } from '../facts';
import { type HostingFilter, loadConfig, tearDownOffline, type TornDown } from '../../engine';
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
      'Takes hostings down, a few at a time. Works on its machine with the service stopped, too; safe to repeat and to interrupt.',
    )
    .argument('[names...]', 'VM names, hosting ids or usernames')
    .option('--all', 'every hosting')
    .addOption(
      new Option('--label <name=value>', 'those with this label; may be repeated')
        .argParser(addLabel)
        .default({}, 'any'),
    )
    .option('--older-than <age>', 'those made longer ago than this: 30m, 12h, 90d', readAge)
    .option('--parallel <count>', 'how many at a time', wholeNumber(64), 4)
    .option('--dry-run', 'shows the plan of each, and removes nothing')
    .option('--offline', 'without a database: from the workspaces of this machine')
    .option('--yes', 'does not ask')
    .option('--json', 'for scripts')
    .action(async (names: string[], flags: Flags, command: Command) => {
      const chosen = flags.all || names.length > 0 || Object.keys(flags.label).length > 0 || flags.olderThan;
      if (!chosen) command.error('error: say which: names, --label, --older-than, or --all');
      if (flags.all && names.length > 0) command.error('error: either names or --all');
      if (flags.offline && (Object.keys(flags.label).length > 0 || flags.olderThan))
        command.error('error: labels and ages are in the database: with --offline, names or --all');
      if (flags.offline && command.optsWithGlobals<{ url?: string }>().url !== undefined)
        command.error(
          'error: --offline works on the machine of the service only: run it there, without --url',
        );
      const results = await (flags.offline ? offline(names, flags) : online(command, names, flags));
      if (results === null) {
        process.exitCode = 1;
        return;
      }
      summarize(results, flags);
      process.exitCode = results.some(({ result }) => result === 'left') ? 1 : 0;
    });
  return withFacts(command, {
    where: 'anywhere',
    examples: ['webhoster teardown --label course=cs101 --dry-run', 'webhoster teardown --all --yes'],
    exitCodes: { 0: 'all gone', 1: 'some are left; a repeat goes on', 2: 'wrong usage', ...overTheApi },
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
    if (chosen.length === 0) return [];
    if (!flags.dryRun) {
      const list = chosen.map(({ vmName, username }) => `${vmName} (${username})`).join(', ');
      if (
        !(await confirmed(
          `Remove ${chosen.length} with all their data at ${operator.place}: ${list}?`,
          flags.yes ?? false,
        ))
      )
        return null;
    }
    return operator.tearDown(chosen, { ...options(flags), handover });
  });
}

async function offline(names: string[], flags: Flags): Promise<TornDown[] | null> {
  const which = names.length > 0 ? names.join(', ') : 'every hosting that has a workspace here';
  if (!flags.dryRun && !(await confirmed(`Remove ${which}, with all data?`, flags.yes ?? false))) return null;
  return tearDownOffline(loadConfig(), names, { ...options(flags), handover: untilStopped() });
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

function summarize(results: readonly TornDown[], { json }: Flags): void {
  const count = (result: TornDown['result']): number =>
    results.filter((each) => each.result === result).length;
  if (json) {
    console.log(
      JSON.stringify(
        { gone: count('gone'), left: count('left'), planned: count('planned'), results },
        null,
        2,
      ),
    );
    return;
  }
  if (results.length === 0) console.log('There is no such hosting');
  else if (count('planned') > 0) console.log(`${count('planned')} would go, nothing was removed`);
  else
    console.log(
      `${count('gone')} gone, ${count('left')} left${count('left') > 0 ? '; repeat to go on' : ''}`,
    );
}

function addLabel(text: string, before: Record<string, string>): Record<string, string> {
  return { ...before, ...readLabel(text) };
}
