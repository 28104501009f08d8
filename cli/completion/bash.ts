/** Completion for bash 4 and newer, without the package bash-completion. */
import { type Place, waysOn } from './tree';

const quoted = (words: readonly string[]): string => `'${words.join(' ')}'`;

export function bashCompletion(places: readonly Place[]): string {
  const valued = places.flatMap(({ at, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ word, choices }) => ({ key: `${at}|${word}`, choices })),
  );
  return `# bash completion of webhoster: source <(webhoster completion bash)
_webhoster() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} at='' value='' word i
  local commands='' options='' files=''
  COMPREPLY=()
  # bash cuts --name=value into three words
  if [ "$current" = '=' ]; then current=''; elif [ "$previous" = '=' ]; then previous=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [ "$word" = '=' ]; then continue; fi
    if [ -n "$value" ]; then value=''; continue; fi
    case "$at|$word" in
${waysOn(places)
  .map(({ from, word, to }) => `      '${from}|${word}') at='${to}' ;;`)
  .join('\n')}
      ${valued.map(({ key }) => `'${key}'`).join(' | ')}) value=yes ;;
    esac
  done
  case "$at|$previous" in
${valued.map(({ key, choices }) => `    '${key}') ${choices.length > 0 ? `COMPREPLY=($(compgen -W ${quoted(choices)} -- "$current"))` : ':'}; return ;;`).join('\n')}
  esac
  case "$at" in
${places
  .map(({ at, commands, choices, options, files }) => {
    const words = [...commands.map(({ word }) => word), ...choices];
    return `    '${at}') commands=${quoted(words)} options=${quoted(options.map(({ word }) => word))} files=${files ? 'yes' : "''"} ;;`;
  })
  .join('\n')}
  esac
  if [ "\${current:0:1}" = '-' ]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    COMPREPLY=($(compgen -W "$commands" -- "$current"))
  fi
}
complete -F _webhoster webhoster
`;
}
