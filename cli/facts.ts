/** What every command says of itself besides its options: where it works, an example, and its exit codes. */
import type { Command } from 'commander';

/** Text of every exit code of a command. */
export type ExitCodes = Readonly<Record<number, string>>;

export interface Facts {
  /** `anywhere`: on the machine of the service, or over its API. */
  readonly where: 'anywhere' | 'machine' | 'service' | 'no matter';
  readonly examples: readonly string[];
  readonly exitCodes: ExitCodes;
  /** What wrong usage ends with: 1 where 2 means something else. @default 2 */
  readonly usageCode?: 1;
}

/** Of every command that may work over the API. */
export const overTheApi: ExitCodes = {
  3: 'not signed in, or not allowed',
  4: 'the service cannot be reached, or cannot accept work now',
};

const facts = new WeakMap<Command, Facts>();

const places: Readonly<Record<Facts['where'], string>> = {
  anywhere:
    'Works over the API of a service (--url, WEBHOSTER_URL, webhoster login), otherwise on this machine (--local).',
  machine: 'Works only on the machine of the service.',
  'no matter': 'Needs neither a service nor its machine.',
  service: 'Talks to a service over its API, from any machine.',
};

/** Gives a command its facts, and its help a chapter of them. */
export function withFacts(command: Command, given: Facts): Command {
  facts.set(command, given);
  return command.addHelpText('after', () => `\n${helpOf(given)}`);
}

export function factsOf(command: Command): Facts | null {
  return facts.get(command) ?? null;
}

/** Of the command itself, or of the nearest above it. */
export function usageCodeOf(command: Command): number {
  for (let each: Command | null = command; each !== null; each = each.parent) {
    const known = factsOf(each);
    if (known !== null) return known.usageCode ?? 2;
  }
  return 2;
}

function helpOf({ where, examples, exitCodes }: Facts): string {
  return [
    examples.length === 1 ? 'Example:' : 'Examples:',
    ...examples.map((example) => `  ${example}`),
    '',
    'Exit codes:',
    ...Object.entries(exitCodes).map(([code, text]) => `  ${code}  ${text}`),
    '',
    places[where],
  ].join('\n');
}

export interface Documented {
  /** As it is called, e.g. `webhoster runs show`. */
  readonly name: string;
  readonly command: Command;
}

/** The program and every command below it, those that are hidden too. */
export function everyCommand(command: Command, above = ''): Documented[] {
  const name = `${above} ${command.name()}`.trim();
  return [{ name, command }, ...command.commands.flatMap((below) => everyCommand(below, name))];
}

/** One row for each command that does something, as docs/cli.md has them. */
export function exitCodeTable(program: Command): string[] {
  const rows = everyCommand(program).flatMap(({ name, command }) => {
    const known = factsOf(command);
    if (known === null || command.commands.length > 0) return [];
    const cells = [0, 1, 2, 3, 4].map((code) => known.exitCodes[code] ?? '');
    return [`| \`${name.replace(/^webhoster /, '')}\` | ${cells.join(' | ')} |`];
  });
  return ['| Command | 0 | 1 | 2 | 3 | 4 |', '| --- | --- | --- | --- | --- | --- |', ...rows];
}

/** For a line of its own in a list. */
export function firstSentence(text: string): string {
  return (text.split(/[.:;] /)[0] ?? '').replace(/\.$/, '');
}
