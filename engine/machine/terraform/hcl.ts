/**
 * The Terraform JSON of a hosting's stack as HCL, for people: what `terraform fmt` would leave as it is, and what
 * Terraform reads as the very same configuration. Pure. For our own JSON only: which arguments are nested blocks is
 * the provider's schema, and is listed here for the resources that a hosting consists of.
 */
import { literal, quoted, template } from './hcl-strings';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Body = Readonly<Record<string, Json>>;
/** Type -> name -> body. */
type Labelled = Readonly<Record<string, Readonly<Record<string, Body>>>>;

interface Configuration {
  readonly terraform?: {
    readonly backend?: Readonly<Record<string, Body>>;
    readonly required_providers?: Body;
  };
  readonly provider?: Readonly<Record<string, readonly Body[]>>;
  readonly resource?: Labelled;
  readonly output?: Readonly<Record<string, Body>>;
  readonly variable?: Readonly<Record<string, Body>>;
}

/** How a body is written. */
interface Style {
  /** With its templates, or with each of them escaped. */
  readonly strings: (text: string) => string[];
  /** Arguments that are nested blocks; every other object or list of them is a value. */
  readonly blocks: readonly string[];
  /** Arguments that hold names and types, which JSON has to quote. */
  readonly bare: readonly string[];
}

const evaluated: Style = {
  strings: template,
  blocks: ['console', 'cpu', 'disk', 'lifecycle', 'network_interface', 'xml'],
  bare: ['ignore_changes'],
};
const settled: Style = { strings: literal, blocks: [], bare: [] };
/** A default is the one place where Terraform evaluates no template in JSON; in HCL it would. */
const variables: Style = { ...settled, bare: ['type'] };

/** @param terraformJson  as `renderStack` makes it */
export function toHcl(terraformJson: string): string {
  const { terraform = {}, provider, resource, output, variable } = JSON.parse(terraformJson) as Configuration;
  return [
    settings(terraform),
    ...pairs(provider).flatMap(([name, bodies]) =>
      bodies.map((body) => block(`provider ${quoted(name)}`, lines(body, evaluated))),
    ),
    ...pairs(resource).flatMap(([type, named]) =>
      pairs(named).map(([name, body]) =>
        block(`resource ${quoted(type)} ${quoted(name)}`, lines(body, evaluated)),
      ),
    ),
    ...pairs(output).map(([name, body]) => block(`output ${quoted(name)}`, lines(body, evaluated))),
    // last: their defaults are the long texts
    ...pairs(variable).map(([name, body]) => block(`variable ${quoted(name)}`, lines(body, variables))),
  ]
    .map((text) => `${text.join('\n')}\n`)
    .join('\n');
}

function pairs<T>(of: Readonly<Record<string, T>> | undefined): [string, T][] {
  return Object.entries(of ?? {});
}

function settings({
  backend,
  required_providers: providers,
}: NonNullable<Configuration['terraform']>): string[] {
  const inner = [
    ...(providers === undefined ? [] : [block('required_providers', lines(providers, settled))]),
    ...pairs(backend).map(([type, body]) => block(`backend ${quoted(type)}`, lines(body, settled))),
  ];
  return block('terraform', separated(inner));
}

function block(heading: string, body: readonly string[]): string[] {
  if (body.length === 0) return [`${heading} {}`];
  return [`${heading} {`, ...indented(body), '}'];
}

/** Indents all but the inside of a heredoc, where blanks are text. */
function indented(body: readonly string[]): string[] {
  let until: string | null = null;
  return body.map((line) => {
    if (until !== null) {
      if (line === until) until = null;
      return line;
    }
    until = heredocEnd(line);
    return line === '' ? line : `  ${line}`;
  });
}

function heredocEnd(line: string): string | null {
  return /<<(EOT\d*)$/.exec(line)?.[1] ?? null;
}

/** Short attributes first, aligned with each other; then what takes several lines, each apart; then nested blocks. */
function lines(body: Body, style: Style): string[] {
  const isBlock = (key: string): boolean => style.blocks.includes(key);
  const nested = pairs(body).filter(([key]) => isBlock(key));
  const values = pairs(body)
    .filter(([key]) => !isBlock(key))
    .map(([key, value]) => {
      const strings = style.bare.includes(key) ? (text: string) => [text] : style.strings;
      return [name(key), valueLines(value, { ...settled, strings })] as const;
    });
  const short = values.filter(([, value]) => value.length === 1);
  const long = values.filter(([, value]) => value.length > 1);
  return separated([
    aligned(short),
    ...long.map(([key, value]) => assigned(key, value)),
    ...nested.flatMap(([key, value]) => [value].flat().map((each) => block(key, lines(each as Body, style)))),
  ]);
}

function aligned(attributes: readonly (readonly [string, readonly string[]])[]): string[] {
  const width = Math.max(0, ...attributes.map(([key]) => key.length));
  return attributes.flatMap(([key, value]) => assigned(key.padEnd(width), value));
}

function assigned(key: string, [first = '', ...rest]: readonly string[]): string[] {
  return [`${key} = ${first}`, ...rest];
}

function separated(groups: readonly (readonly string[])[]): string[] {
  return groups
    .filter((group) => group.length > 0)
    .flatMap((group, at) => (at === 0 ? group : ['', ...group]));
}

function name(key: string): string {
  return /^[A-Za-z][A-Za-z0-9_-]*$/.test(key) ? key : quoted(key);
}

function valueLines(value: Json, style: Style): string[] {
  if (typeof value === 'string') return style.strings(value);
  if (isList(value)) return listLines(value, style);
  if (typeof value !== 'object' || value === null) return [String(value)];
  const inner = lines(value, style);
  return inner.length === 0 ? ['{}'] : ['{', ...indented(inner), '}'];
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function listLines(list: readonly Json[], style: Style): string[] {
  const items = list.map((item) => valueLines(item, style));
  if (items.every((item) => item.length === 1)) return [`[${items.flat().join(', ')}]`];
  return ['[', ...indented(items.flatMap((item) => [...item.slice(0, -1), `${item.at(-1) ?? ''},`])), ']'];
}
