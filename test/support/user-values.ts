/** Values of every field of `user-fields`, held against the API's own schemas; and how long which reader took. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runs } from './hostile';
import { userFields, valuesOf } from './user-fields';

export interface Values {
  /** What the service goes on with. */
  readonly accepted: readonly string[];
  /** The same as they were sent. */
  readonly sent: readonly string[];
  /** What is answered with 4xx. */
  readonly refused: readonly string[];
}

const known = new Map<string, Values>();

/** @param count  how many are tried; the first of them are the same for every count. @default INJECTION_RUNS */
export function valuesOfField(name: string, count = runs): Values {
  const key = `${name} ${count}`;
  const field = userFields[name];
  if (field === undefined) throw new Error(`there is no field ${name}`);
  const tried = known.get(key);
  if (tried !== undefined) return tried;
  const found = valuesOf(field, count).map((text) => ({ text, read: field.read(text) }));
  const values: Values = {
    accepted: found.flatMap(({ read }) => (read === null ? [] : [read])),
    sent: found.filter(({ read }) => read !== null).map(({ text }) => text),
    refused: found.filter(({ read }) => read === null).map(({ text }) => text),
  };
  known.set(key, values);
  return values;
}

/** Each once. */
export function acceptedOf(name: string): string[] {
  return [...new Set(valuesOfField(name).accepted)];
}

/** Of all fields in turn, so that each has its share. @param most  how many, of which some may be missing */
export function pooled(most = runs): string[] {
  const names = Object.keys(userFields);
  // two of five and more are accepted
  const tries = Math.ceil((most / names.length) * 3);
  const lists = names.map((name) => [...new Set(valuesOfField(name, tries).accepted)]);
  const mixed = new Set<string>();
  for (let at = 0; mixed.size < most && lists.some((list) => at < list.length); at++)
    for (const list of lists) if (at < list.length) mixed.add(list[at]!);
  return [...mixed].slice(0, most);
}

/** With INJECTION_REPORT=DIRECTORY each reader leaves a file there. @param started  of `performance.now()` */
export function reportSink(sink: string, started: number, facts: Readonly<Record<string, number>>): void {
  const to = process.env.INJECTION_REPORT;
  if (to === undefined) return;
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  mkdirSync(to, { recursive: true });
  writeFileSync(path.join(to, `${sink}.json`), `${JSON.stringify({ sink, ...facts, seconds })}\n`);
}
