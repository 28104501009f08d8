/** Completion for zsh, with what each word means. */
import { type Place, waysOn, type Word } from './tree';

const text = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;
const described = ({ word, description }: Word): string =>
  text(`${word.replaceAll(':', '\\:')}:${description}`);

export function zshCompletion(places: readonly Place[]): string {
  const valued = places.flatMap(({ at, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ word, choices }) => ({ key: `${at}|${word}`, choices })),
  );
  return `#compdef webhoster
# zsh completion of webhoster: source <(webhoster completion zsh), or a file _webhoster on the fpath
_webhoster() {
  local at='' value='' word
  local -a commands options names
  local files=''
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $value ]]; then value=''; continue; fi
    case "$at|$word" in
${waysOn(places)
  .map(({ from, word, to }) => `      ${text(`${from}|${word}`)}) at=${text(to)} ;;`)
  .join('\n')}
      ${valued.map(({ key }) => text(key)).join(' | ')}) value=$word ;;
    esac
  done
  if [[ -n $value ]]; then
    case "$at|$value" in
${valued
  .filter(({ choices }) => choices.length > 0)
  .map(
    ({ key, choices }) => `      ${text(key)}) names=(${choices.map(text).join(' ')}); compadd -a names ;;`,
  )
  .join('\n')}
    esac
    return
  fi
  case "$at" in
${places
  .map(
    ({ at, commands, choices, options, files }) =>
      `    ${text(at)})\n      commands=(${[...commands.map(described), ...choices.map(text)].join(' ')})\n` +
      `      options=(${options.map(described).join(' ')})\n      files=${files ? 'yes' : "''"} ;;`,
  )
  .join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o option options
  elif [[ -n $files ]]; then
    _files
  else
    _describe command commands
  fi
}
# as a file of the fpath it is called; sourced, it is registered
if [[ $funcstack[1] == _webhoster ]]; then _webhoster "$@"; else compdef _webhoster webhoster; fi
`;
}
