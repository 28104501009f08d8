/** Completion for fish, with what each word means. */
import { type OptionWord, type Place, waysOn } from './tree';

const text = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

export function fishCompletion(places: readonly Place[]): string {
  const valued = places.flatMap(({ at, options }) =>
    options.filter(({ takesValue }) => takesValue).map(({ word }) => text(`${at}|${word}`)),
  );
  return `# fish completion of webhoster: webhoster completion fish | source
function __webhoster_at
    set -l at ''
    set -l value ''
    for word in (commandline -opc)[2..-1]
        if test -n "$value"
            set value ''
            continue
        end
        switch "$at|$word"
${waysOn(places)
  .map(
    ({ from, word, to }) => `            case ${text(`${from}|${word}`)}\n                set at ${text(to)}`,
  )
  .join('\n')}
            case ${valued.join(' ')}
                set value yes
        end
    end
    test "$at" = "$argv[1]"
end
complete -c webhoster -f
${places.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ at, commands, choices, options, files }: Place): string[] {
  const line = `complete -c webhoster -n ${text(`__webhoster_at "${at}"`)}`;
  return [
    ...commands.map(({ word, description }) => `${line} -a ${word} -d ${text(description)}`),
    ...(choices.length > 0 ? [`${line} -a ${text(choices.join(' '))}`] : []),
    ...(files ? [`${line} -F`] : []),
    ...options.map(
      (option) =>
        `${line} -l ${option.word.replace(/^--/, '')}${valueOf(option)} -d ${text(option.description)}`,
    ),
  ];
}

function valueOf({ takesValue, choices }: OptionWord): string {
  if (!takesValue) return '';
  return choices.length > 0 ? ` -x -a ${text(choices.join(' '))}` : ' -x';
}
