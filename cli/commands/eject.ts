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

const exitCodes = { 0: 'done', 1: 'failed, nothing was changed', 2: 'wrong usage, or refused' };

export function ejectCommand(): Command {
  const command = new Command('eject')
    .description(
      'Hands a VM over to someone who uses Terraform: writes its configuration, state and instructions to a directory, ' +
        'closes its route and SSH port, and leaves the VM running. Treat the directory as a secret.',
    )
    .argument('<hosting>', 'VM name, hosting ID or username')
    .argument('<dir>', 'the directory to write; must not exist, or be empty')
    .option('--yes', 'do not ask for confirmation')
    .option('--json', 'JSON output, for scripts')
    .action(async (hosting: string, dir: string, { yes = false, json = false }: Flags) => {
      const refusal = await whyNotEmpty(dir);
      if (refusal !== null) return failed('validation_failed', refusal, json);
      const question = `${hosting} will no longer be reachable through this service. Eject it to ${dir}?`;
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
      'Takes back an ejected VM from the directory that eject wrote. The VM must match hosting.json: if the plan has any ' +
        'changes, it is refused.',
    )
    .argument('<dir>', 'the directory written by `webhoster eject`, with the current state')
    .option('--yes', 'do not ask for confirmation')
    .option('--json', 'JSON output, for scripts')
    .action(async (dir: string, { yes = false, json = false }: Flags) => {
      const question = `Take back the VM of ${dir}? Terraform must not be run there again.`;
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
    const error = toEngineError(
      thrown,
      'internal',
      thrown instanceof Error ? thrown.message : 'Unknown error',
    );
    if (process.env.LOG_LEVEL === 'debug') console.error(error.cause);
    failed(error.code, error.message, json);
  }
}

function ejectedText({ facts, letGo }: Ejected, dir: string): string {
  if (!letGo) return `${facts.vmName} was already ejected; the files written then are in ${dir} again`;
  return [
    `${facts.vmName} of ${facts.username} is yours now; see ${dir}/README.md`,
    `It keeps running at ${facts.ip}; its route and its SSH port ${facts.sshPort} are closed.`,
    `Protect ${dir} like a password. To return the VM to the service: webhoster adopt ${dir}`,
  ].join('\n');
}

function ejectedJson({ facts, uri, letGo }: Ejected, dir: string): unknown {
  const { id, vmName, username, ip } = facts;
  return {
    directory: dir,
    hosting_id: id,
    vm_name: vmName,
    vm_id: vmName,
    username,
    vm_ip: ip,
    uri,
    ejected: letGo,
  };
}

function adoptedText({ hosting, username, formerSshPort, changed }: Adopted, dir: string): string {
  return [
    `${hosting.vmName} is a hosting of ${username} again: ${hosting.webUrl}`,
    formerSshPort === null
      ? hosting.sshCommand
      : `Its former SSH port ${formerSshPort} is taken; it has a new one: ${hosting.sshCommand}`,
    ...(changed.length > 0 ? [`Changed since they were written, and ignored: ${changed.join(', ')}`] : []),
    `Do not run Terraform in ${dir} again; remove the directory.`,
  ].join('\n');
}

function adoptedJson({ hosting, username, formerSshPort, changed }: Adopted): unknown {
  return {
    hosting_id: hosting.id,
    vm_name: hosting.vmName,
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
