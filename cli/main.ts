#!/usr/bin/env node
/** `webhoster`: what an operator does on the machine itself, and what anybody may do over the API. */
import { type Command, CommanderError } from 'commander';
import { EngineError } from '../engine';
import { bearClosedOutput } from './closed-output';
import { factsOf } from './facts';
import { buildProgram, exitCodeOf } from './program';

let running: Command | null = null;
bearClosedOutput();

buildProgram((command) => {
  running = command;
})
  .parseAsync()
  .catch((thrown: unknown) => {
    if (thrown instanceof EngineError) tell(thrown, running);
    else if (!(thrown instanceof CommanderError)) console.error(stopped(thrown) ?? thrown);
    process.exit(exitCodeOf(thrown, running));
  });

function tell(error: EngineError, command: Command | null): void {
  console.error(`error: ${error.message}`);
  if (error.code === 'config_invalid' && command !== null && factsOf(command)?.where === 'machine')
    console.error(
      'This command works only on the machine of the service; run it there as ./scripts/webhoster',
    );
  if (process.env.LOG_LEVEL === 'debug') console.error(error.cause);
}

function stopped(thrown: unknown): string | null {
  return thrown instanceof Error && thrown.message.startsWith('stopped by ') ? thrown.message : null;
}
