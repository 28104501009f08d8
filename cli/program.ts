/** Every command there is, and what all of them have in common. */
import { Command, CommanderError, Option } from 'commander';
import { EngineError, projectVersion } from '../engine';
import { adminCommand } from './commands/admin';
import { auditCommand } from './commands/audit';
import { backupCommand, restoreCommand } from './commands/backup';
import { completionCommand } from './commands/completion';
import { doctorCommand } from './commands/doctor';
import { adoptCommand, ejectCommand } from './commands/eject';
import { imageCommand } from './commands/image';
import { labelCommand } from './commands/label';
import { keysCommand } from './commands/keys';
import { loginCommand, logoutCommand } from './commands/login';
import { nodeCommand } from './commands/node';
import { operationsCommand } from './commands/operations';
import { applyCommand, driftCommand, planCommand } from './commands/plan';
import { runsCommand } from './commands/runs';
import { serviceCommand } from './commands/service';
import { sleepCommand, wakeCommand } from './commands/sleep';
import { teardownCommand } from './commands/teardown';
import { tokenCommand } from './commands/token';
import { versionCommand } from './commands/version';
import { factsOf, firstSentence, usageCodeOf, withFacts } from './facts';
import { ServiceUnreachable } from './remote/errors';

/** The commands by what they are for, in the order of the help. */
const groups: readonly (readonly [string, readonly (() => Command)[]])[] = [
  [
    'Hostings:',
    [planCommand, applyCommand, driftCommand, runsCommand, operationsCommand, labelCommand, teardownCommand],
  ],
  ['Remote services:', [loginCommand, logoutCommand]],
  [
    'On the machine of the service:',
    [doctorCommand, backupCommand, restoreCommand, ejectCommand, adoptCommand, sleepCommand, wakeCommand],
  ],
  ['Accounts, on the machine of the service:', [adminCommand, tokenCommand, auditCommand]],
  [
    'Set-up, on the machine of the service:',
    [imageCommand, nodeCommand, keysCommand, serviceCommand, versionCommand],
  ],
  ['Shell:', [completionCommand]],
];

/** @param onAction  told which command is about to work */
export function buildProgram(onAction: (command: Command) => void = () => undefined): Command {
  const program = withFacts(new Command('webhoster'), {
    where: 'anywhere',
    examples: ['webhoster plan vm-1a2b3c4d', 'webhoster login --url https://hosting.example.org'],
    exitCodes: {
      0: 'success: no differences, nothing left',
      1: 'failed, or something is left',
      2: 'wrong usage, or refused; for plan and drift: there are differences (wrong usage is 1 there)',
      3: 'not signed in, or not allowed',
      4: 'the service cannot be reached, or cannot accept work now',
    },
  })
    .description('Operates vm-webhoster, on the machine of the service or over its API.')
    .version(projectVersion)
    .addOption(new Option('--url <address>', 'the service to talk to, such as http://localhost:8000'))
    .addOption(new Option('--local', 'work on this machine, even if signed in to a service'))
    .configureHelp({
      showGlobalOptions: true,
      // the whole of it is in the help of its own
      subcommandDescription: (each) => firstSentence(each.description()),
    })
    .hook('preAction', (_, command) => {
      onAction(command);
      refuseElsewhere(command);
    });
  for (const [heading, commands] of groups) {
    program.commandsGroup(heading);
    for (const make of commands) program.addCommand(make());
  }
  program.helpCommand(false);
  for (const command of program.commands) inherit(command, program);
  throwOnUsage(program);
  return program;
}

/** What a failed command ends with. */
export function exitCodeOf(thrown: unknown, command: Command | null): number {
  if (thrown instanceof CommanderError) return thrown.exitCode;
  if (thrown instanceof ServiceUnreachable) return 4;
  if (!(thrown instanceof EngineError)) return 1;
  if (['unauthorized', 'forbidden', 'invalid_credentials'].includes(thrown.code)) return 3;
  return thrown.code === 'validation_failed' && command !== null ? usageCodeOf(command) : 1;
}

function refuseElsewhere(command: Command): void {
  const { url, local } = command.optsWithGlobals<{ url?: string; local?: boolean }>();
  const where = factsOf(command)?.where;
  const name = command.parent?.parent ? `${command.parent.name()} ${command.name()}` : command.name();
  if (where === 'machine' && url !== undefined)
    command.error(
      `error: webhoster ${name} works only on the machine of the service: run it there, without --url`,
    );
  if (where === 'service' && local === true)
    command.error(`error: webhoster ${name} talks to a service and cannot be used with --local`);
}

/** Commander gives these to commands that it makes itself, not to those that are added. */
function inherit(command: Command, from: Command): void {
  command.copyInheritedSettings(from);
  command.helpCommand(false);
  for (const below of command.commands) inherit(below, command);
}

/** Commander would end the process itself, with 1; subcommands do not inherit the setting. */
function throwOnUsage(command: Command): void {
  command.showHelpAfterError(`(see ${nameOf(command)} --help)`).exitOverride((error) => {
    throw error.exitCode === 0 ? error : new CommanderError(usageCodeOf(command), error.code, error.message);
  });
  command.commands.forEach(throwOnUsage);
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
