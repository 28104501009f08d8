/** A password from a terminal, without showing it, or the first line of what is piped in; never from an argument. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { EngineError } from '../engine';

/** @throws {EngineError} validation_failed when the two that were typed differ, or there is none */
export async function readPassword(): Promise<string> {
  const password = process.stdin.isTTY ? await typedTwice() : await firstLine();
  if (password === '') throw new EngineError('validation_failed', 'No password was given');
  return password;
}

async function typedTwice(): Promise<string> {
  // readline echoes what it writes itself: nothing, here
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    const ask = async (question: string): Promise<string> => {
      process.stderr.write(question);
      const answer = await terminal.question('');
      process.stderr.write('\n');
      return answer;
    };
    const password = await ask('Password: ');
    if ((await ask('Once more: ')) === password) return password;
  } finally {
    terminal.close();
  }
  throw new EngineError('validation_failed', 'The two passwords differ; nothing was changed');
}

async function firstLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
  }
}
