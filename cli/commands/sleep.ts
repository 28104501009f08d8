/** `webhoster sleep HOSTING` and `webhoster wake HOSTING`. */
import { Command } from 'commander';
import type { Power } from '../../engine';
import { withFacts } from '../facts';
import { printJson } from '../json';
import { withMachine } from '../with-machine';

const hosting = ['<hosting>', 'VM name, hosting ID or username'] as const;

export function sleepCommand(): Command {
  const command = new Command('sleep')
    .description(
      'Suspends a VM to disk, so that it uses no memory. A visit to its page or a connection to its SSH port resumes ' +
        'it where it left off.',
    )
    .argument(...hosting)
    .option('--force', 'even if someone is connected; their session freezes')
    .option('--json', 'JSON output, for scripts')
    .action(async (name: string, { force = false, json = false }: { force?: boolean; json?: boolean }) => {
      const slept = await withMachine(({ putToSleep }) => putToSleep(name, { force }), { logLevel: 'error' });
      tell(slept, json, 'asleep');
    });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster sleep vm-1a2b3c4d'],
    exitCodes: { 0: 'asleep', 1: 'failed, it keeps running', 2: 'wrong usage, or it is not running' },
  });
}

export function wakeCommand(): Command {
  const command = new Command('wake')
    .description('Resumes a sleeping VM where it left off.')
    .argument(...hosting)
    .option('--cold', 'boot it from its disk instead; anything that was only in memory is lost')
    .option('--json', 'JSON output, for scripts')
    .action(async (name: string, { cold = false, json = false }: { cold?: boolean; json?: boolean }) => {
      const woken = await withMachine(({ wakeUp }) => wakeUp(name, { cold }), { logLevel: 'error' });
      tell(woken, json, 'awake');
    });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster wake vm-1a2b3c4d'],
    exitCodes: { 0: 'awake', 1: 'failed, it stays asleep', 2: 'wrong usage' },
  });
}

function tell({ vmName, changed, seconds }: Power, json: boolean, state: 'asleep' | 'awake'): void {
  if (json) printJson({ vm_name: vmName, vm_id: vmName, state, changed, seconds });
  else console.log(changed ? `${vmName} is ${state} (${seconds} s)` : `${vmName} was already ${state}`);
}
