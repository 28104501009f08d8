/** Words that a person types, or a script pipes in: never arguments, which everybody on the machine can read. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { EngineError } from '../engine';

/** @throws {EngineError} validation_failed where there is nothing */
export async function readFirstLine(what: string): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.includes('\n') || text.length > 65_536) break;
  }
  const line = (text.split('\n')[0] ?? '').replace(/\r$/, '');
  if (line !== '') return line;
  throw new EngineError('validation_failed', `No ${what} on the standard input`);
}

/** @param instead  the option for where there is no terminal. @throws {EngineError} validation_failed there */
export async function askFor(question: string, typed: 'shown' | 'hidden', instead: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw new EngineError('validation_failed', `No terminal to ask for input; use ${instead}`);
  let quiet = false;
  const output = new Writable({
    write: (chunk: Buffer, _, done) => {
      if (!quiet) process.stderr.write(chunk);
      done();
    },
  });
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  try {
    const answer = terminal.question(question);
    quiet = typed === 'hidden';
    return typed === 'hidden' ? await answer : (await answer).trim();
  } finally {
    terminal.close();
    if (quiet) process.stderr.write('\n');
  }
}

/** Twice from a terminal, without showing it, or the first line of what is piped in. @throws {EngineError} validation_failed */
export async function readNewPassword(): Promise<string> {
  if (!process.stdin.isTTY) return readFirstLine('password');
  const password = await askFor('Password: ', 'hidden', 'the standard input');
  if ((await askFor('Repeat password: ', 'hidden', 'the standard input')) === password && password !== '')
    return password;
  throw new EngineError('validation_failed', 'The passwords do not match; nothing was changed');
}
