/** `webhoster eject HOSTING DIR` and `webhoster adopt DIR`. */
import { Command } from 'commander';
import { printJson } from '../json';
import { withFacts } from '../facts';
import { type Adopted, type Ejected, type ErrorCode, toEngineError } from '../../engine';
import { bundleTarget, readerOf, whyNotEmpty } from '../bundle-directory';
import { confirmed } from '../confirm';
import { withMachine } from '../with-machine';

interface Flags {
  readonly yes?: boolean;
  readonly json?: boolean;
}

const exitCodes = { 0: 'done', 1: 'failed, and nothing was changed', 2: 'wrong usage, or refused' };

export function ejectCommand(): Command {
  const command = new Command('eject')
    .description(
      'Hands a VM over to somebody with Terraform: writes configuration, state and instructions into a directory, ' +
        'closes its route and its SSH port, and leaves the VM running. Treat the directory as a secret.',
    )
    .argument('<hosting>', "a VM's name, a hosting's id or a username")
    .argument('<dir>', 'must not exist, or be empty')
    .option('--yes', 'does not ask')
    .option('--json', 'for scripts')
    .action(async (hosting: string, dir: string, { yes = false, json = false }: Flags) => {
      const refusal = await whyNotEmpty(dir);
      if (refusal !== null) return failed('validation_failed', refusal, json);
      const question = `${hosting} will not be reachable through this service any more. Eject it into ${dir}?`;
      if (!(await confirmed(question, yes))) return failed('cancelled', 'nothing was done', json);
      const work = async (): Promise<Ejected> =>
        withMachine(({ eject }) => eject(hosting, bundleTarget(dir)), { logLevel: 'error' });
      await told(work, json, (ejected) => (json ? ejectedJson(ejected, dir) : ejectedText(ejected, dir)));
    });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster eject vm-1a2b3c4d ./mina'],
    exitCodes,
  });
}

export function adoptCommand(): Command {
  const command = new Command('adopt')
    .description(
      'Takes back a VM that was ejected, from the directory that eject wrote. What there is must be what hosting.json ' +
        'says: a plan that would change anything is refused.',
    )
    .argument('<dir>', 'what `webhoster eject` has written, with the state of today')
    .option('--yes', 'does not ask')
    .option('--json', 'for scripts')
    .action(async (dir: string, { yes = false, json = false }: Flags) => {
      const question = `Take the VM of ${dir} back? Terraform must not be run there again.`;
      if (!(await confirmed(question, yes))) return failed('cancelled', 'nothing was done', json);
      const work = async (): Promise<Adopted> =>
        withMachine(({ adopt }) => adopt(readerOf(dir)), { logLevel: 'error' });
      await told(work, json, (adopted) => (json ? adoptedJson(adopted) : adoptedText(adopted, dir)));
    });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster adopt ./mina'],
    exitCodes,
  });
}

function failed(code: ErrorCode, message: string, json: boolean): void {
  if (json) printJson({ error: { code, message } });
  else console.error(`error: ${message}`);
  process.exitCode = code === 'validation_failed' || code === 'config_invalid' ? 2 : 1;
}

async function told<T>(work: () => Promise<T>, json: boolean, show: (result: T) => unknown): Promise<void> {
  try {
    const shown = show(await work());
    if (json) printJson(shown);
    else console.log(shown);
  } catch (thrown) {
    const error = toEngineError(thrown, 'internal', thrown instanceof Error ? thrown.message : 'It failed');
    if (process.env.LOG_LEVEL === 'debug') console.error(error.cause);
    failed(error.code, error.message, json);
  }
}

function ejectedText({ facts, letGo }: Ejected, dir: string): string {
  if (!letGo) return `${facts.vmName} was ejected before; its files of that time are in ${dir} again`;
  return [
    `${facts.vmName} of ${facts.username} is yours: ${dir}/README.md says how to go on with it`,
    `It runs on at ${facts.ip}; its route and its SSH port ${facts.sshPort} are closed.`,
    `Keep ${dir} as you keep a password. The way back: webhoster adopt ${dir}`,
  ].join('\n');
}

function ejectedJson({ facts, uri, letGo }: Ejected, dir: string): unknown {
  const { id, vmName, username, ip } = facts;
  return { directory: dir, hosting_id: id, vm_id: vmName, username, vm_ip: ip, uri, ejected: letGo };
}

function adoptedText({ hosting, username, formerSshPort, changed }: Adopted, dir: string): string {
  return [
    `${hosting.vmName} is a hosting of ${username} again: ${hosting.webUrl}`,
    formerSshPort === null
      ? hosting.sshCommand
      : `Its SSH port ${formerSshPort} is taken; it is another now: ${hosting.sshCommand}`,
    ...(changed.length > 0 ? [`Not as they were written, and not used: ${changed.join(', ')}`] : []),
    `Do not run Terraform in ${dir} any more; remove it.`,
  ].join('\n');
}

function adoptedJson({ hosting, username, formerSshPort, changed }: Adopted): unknown {
  return {
    hosting_id: hosting.id,
    vm_id: hosting.vmName,
    username,
    vm_ip: hosting.ip,
    ssh_port: hosting.sshPort,
    former_ssh_port: formerSshPort,
    web_url: hosting.webUrl,
    ssh_command: hosting.sshCommand,
    changed_files: changed,
  };
}
