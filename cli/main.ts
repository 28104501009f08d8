#!/usr/bin/env node
/** `webhoster`: what an operator does on the machine itself. Exit codes: 0 done, 1 failed, 2 usage. */
import { Command, CommanderError } from 'commander';
import { EngineError, projectVersion } from '../engine';
import { adminCommand } from './commands/admin';
import { auditCommand } from './commands/audit';
import { backupCommand, restoreCommand } from './commands/backup';
import { doctorCommand } from './commands/doctor';
import { adoptCommand, ejectCommand } from './commands/eject';
import { imageCommand } from './commands/image';
import { keysCommand } from './commands/keys';
import { nodeCommand } from './commands/node';
import { operationsCommand } from './commands/operations';
import { applyCommand, driftCommand, planCommand } from './commands/plan';
import { runsCommand } from './commands/runs';
import { teardownCommand } from './commands/teardown';
import { serviceCommand } from './commands/service';
import { tokenCommand } from './commands/token';

async function main(): Promise<void> {
  const program = new Command('webhoster')
    .description('Operates vm-webhoster on this machine')
    .version(projectVersion);
  for (const command of [
    adminCommand(),
    adoptCommand(),
    applyCommand(),
    auditCommand(),
    backupCommand(),
    doctorCommand(),
    driftCommand(),
    ejectCommand(),
    imageCommand(),
    keysCommand(),
    nodeCommand(),
    operationsCommand(),
    planCommand(),
    restoreCommand(),
    runsCommand(),
    serviceCommand(),
    teardownCommand(),
    tokenCommand(),
  ])
    program.addCommand(command);
  throwOnUsage(program);
  await program.parseAsync();
}

/** Commander would end the process itself, with 1; subcommands do not inherit the setting. */
function throwOnUsage(command: Command): void {
  command.exitOverride().showHelpAfterError();
  command.commands.forEach(throwOnUsage);
}

main().catch((error: unknown) => {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  console.error(error instanceof EngineError ? `error: ${error.message}` : error);
  if (error instanceof EngineError && process.env.LOG_LEVEL === 'debug') console.error(error.cause);
  process.exit(1);
});
