/** Strings of HCL: quoted, or as a heredoc where a text ends with a newline. Each is the lines that it is written in. */
const onlyReference = /^\$\{([^{}]*)\}$/;
const references = /(?<!\$)(\$\{[^{}]*\})/;

/** A string in which Terraform replaces `${…}`, in JSON as in HCL. */
export function template(text: string): string[] {
  const [, expression] = onlyReference.exec(text) ?? [];
  if (expression !== undefined) return [expression];
  if (fitsHeredoc(text)) return heredoc(text);
  const parts = text.split(references).map((part, at) => (at % 2 === 1 ? part : escaped(part)));
  return [`"${parts.join('')}"`];
}

/** A string that means itself. */
export function literal(text: string): string[] {
  // a doubled sign before a brace is an escape itself, and cannot be escaped again
  if (!fitsHeredoc(text) || /[$%][$%]\{/.test(text)) return [quoted(text)];
  return heredoc(text.replaceAll(/([$%])\{/g, '$1$1{'));
}

/** It ends with a newline whether it is wanted or not, and takes other line ends for its own. */
function fitsHeredoc(text: string): boolean {
  return text.endsWith('\n') && text.length > 1 && !/[^\P{Cc}\n\t]/u.test(text);
}

function heredoc(text: string): string[] {
  const content = text.slice(0, -1).split('\n');
  const taken = (end: string): boolean => content.some((line) => line.trim() === end);
  let end = 'EOT';
  for (let number = 1; taken(end); number++) end = `EOT${number}`;
  return [`<<${end}`, ...content, end];
}

/** Without templates, whatever stands in it. */
export function quoted(text: string): string {
  return `"${escaped(text).replaceAll(/([$%])\{/g, (_, sign: string) => `${unicode(sign)}{`)}"`;
}

function escaped(text: string): string {
  const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  return text
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll(/[\p{Cc}\u2028\u2029]/gu, (character) => short[character] ?? unicode(character));
}

function unicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
