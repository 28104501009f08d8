/** `webhoster sleep HOSTING` and `webhoster wake HOSTING`. */
import { Command } from 'commander';
import type { Power } from '../../engine';
import { withFacts } from '../facts';
import { printJson } from '../json';
import { withMachine } from '../with-machine';

const hosting = ['<hosting>', "a VM's name, a hosting's id or a username"] as const;

export function sleepCommand(): Command {
  const command = new Command('sleep')
    .description(
      'Saves a VM with its memory to the disk, so that it uses no memory. A visit to its page or a session on its SSH ' +
        'port wakes it where it was.',
    )
    .argument(...hosting)
    .option('--force', 'also when somebody is connected; their session stands still')
    .option('--json', 'for scripts')
    .action(async (name: string, { force = false, json = false }: { force?: boolean; json?: boolean }) => {
      const slept = await withMachine(({ putToSleep }) => putToSleep(name, { force }), { logLevel: 'error' });
      tell(slept, json, 'asleep');
    });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster sleep vm-1a2b3c4d'],
    exitCodes: { 0: 'asleep', 1: 'failed, and it runs on', 2: 'wrong usage, or it does not run' },
  });
}

export function wakeCommand(): Command {
  const command = new Command('wake')
    .description('Wakes a VM that sleeps, where it was.')
    .argument(...hosting)
    .option('--cold', 'starts it from its disk; what was only in its memory is lost')
    .option('--json', 'for scripts')
    .action(async (name: string, { cold = false, json = false }: { cold?: boolean; json?: boolean }) => {
      const woken = await withMachine(({ wakeUp }) => wakeUp(name, { cold }), { logLevel: 'error' });
      tell(woken, json, 'awake');
    });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster wake vm-1a2b3c4d'],
    exitCodes: { 0: 'awake', 1: 'failed, and it sleeps on', 2: 'wrong usage' },
  });
}

function tell({ vmName, changed, seconds }: Power, json: boolean, state: 'asleep' | 'awake'): void {
  if (json) printJson({ vm_id: vmName, state, changed, seconds });
  else console.log(changed ? `${vmName} is ${state} (${seconds} s)` : `${vmName} was ${state} before`);
}
