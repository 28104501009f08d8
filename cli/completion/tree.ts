/** The commands as shells need them: which words may come where. Read from the program itself, so that it cannot lag behind. */
import type { Command, Option } from 'commander';
import { factsOf, firstSentence } from '../facts';

export interface Word {
  readonly word: string;
  readonly description: string;
}

export interface OptionWord extends Word {
  readonly takesValue: boolean;
  /** Empty for any value. */
  readonly choices: readonly string[];
}

export interface Place {
  /** The commands so far, e.g. `runs show`; empty for the program itself. */
  readonly at: string;
  readonly commands: readonly Word[];
  readonly options: readonly OptionWord[];
  /** What the arguments may be, where that is known. */
  readonly choices: readonly string[];
  /** An argument is a file or a directory. */
  readonly files: boolean;
}

export function placesOf(program: Command): Place[] {
  const global = program.options.filter(({ long }) => long !== '--version');
  return below(program, '', global);
}

function below(command: Command, at: string, global: readonly Option[]): Place[] {
  // `runs HOSTING` is short for `runs list HOSTING`
  const short = command.commands.find((each) => each.name() === defaultOf(command));
  const self = short === undefined ? [command] : [command, short];
  const args = self.flatMap(({ registeredArguments }) => registeredArguments);
  const inherited =
    at === '' || !['anywhere', 'service'].includes(factsOf(command)?.where ?? '') ? [] : global;
  const options = [...self.flatMap((each) => each.options), ...inherited];
  const place: Place = {
    at,
    commands: command.commands.map((each) => ({
      word: each.name(),
      description: firstSentence(each.description()),
    })),
    options: [
      ...options.map(optionWord),
      { word: '--help', description: 'show help', takesValue: false, choices: [] },
    ],
    choices: args.flatMap(({ argChoices }) => argChoices ?? []),
    files: args.some((each) => ['file', 'dir'].includes(each.name())),
  };
  return [place, ...command.commands.flatMap((each) => below(each, `${at} ${each.name()}`.trim(), global))];
}

/** Commander keeps it, and tells it to nobody. */
function defaultOf(command: Command): string | null {
  return (command as { _defaultCommandName?: string | null })._defaultCommandName ?? null;
}

function optionWord({ long, short, description, required, optional, argChoices }: Option): OptionWord {
  return {
    word: long ?? short ?? '',
    description: firstSentence(description),
    takesValue: required || optional,
    choices: argChoices ?? [],
  };
}

/** From each place, the words that lead on to another. */
export function waysOn(places: readonly Place[]): { from: string; word: string; to: string }[] {
  return places.flatMap(({ at, commands }) =>
    commands.map(({ word }) => ({ from: at, word, to: `${at} ${word}`.trim() })),
  );
}
