/** Asks a person; where nobody can be asked, only `--yes` goes on. */
import { createInterface } from 'node:readline/promises';
import { CommanderError } from 'commander';

/** @throws {CommanderError} usage, where there is no terminal to ask at */
export async function confirmed(question: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) {
    console.error('error: no terminal to ask for confirmation; use --yes to continue without asking');
    throw new CommanderError(2, 'webhoster.confirm', 'not confirmed');
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
