/** Holds a request against its route's schemas; what reaches a handler has passed them all. */
import type { Request } from 'express';
import type { z } from 'zod';
import { HttpError } from './http-error';
import type { Language } from './language';
import { fieldMessages, type FieldKey } from './messages';
import { refusalWords } from './refusal-words';
import type { Route } from './route';

export interface Inputs {
  readonly body: unknown;
  readonly params: unknown;
  readonly query: unknown;
  readonly headers: unknown;
}

interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/** Enough to correct a request by; an answer must not grow with the nonsense it was sent. */
const MOST_PROBLEMS = 20;
const LONGEST_FIELD_NAME = 100;

/** @throws validation_failed with details.fields naming every refused value, and never repeating one */
export function readRequest(route: Route, request: Request, language: Language): Inputs {
  const problems: FieldProblem[] = [];
  const check = (schema: z.ZodType | undefined, value: unknown): unknown => {
    if (schema === undefined) return undefined;
    const parsed = schema.safeParse(value, { error: describe(language) });
    if (parsed.success) return parsed.data;
    problems.push(...parsed.error.issues.flatMap((issue) => problemsOf(issue, language)));
    return undefined;
  };
  const inputs = {
    body: check(route.body, request.body),
    params: check(route.params, request.params),
    query: check(route.query, request.query),
    headers: check(route.headers, declaredHeaders(route, request)),
  };
  if (problems.length === 0) return inputs;
  throw new HttpError('validation_failed', { details: { fields: problems.slice(0, MOST_PROBLEMS) } });
}

function declaredHeaders(route: Route, request: Request): Record<string, unknown> {
  const names = Object.keys(route.headers?.shape ?? {});
  return Object.fromEntries(names.map((name) => [name, request.headers[name]]));
}

/** What a schema does not word itself. */
function describe(language: Language): z.core.$ZodErrorMap {
  return (issue) => {
    if (issue.code !== 'invalid_type' || issue.input !== undefined) return refusalWords(issue, language);
    return fieldMessages[issue.path?.length === 0 ? 'body_required' : 'required'][language];
  };
}

function problemsOf(issue: z.core.$ZodIssue, language: Language): FieldProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const message = fieldMessages.unknown_field[language];
    return issue.keys.map((key) => ({ field: fieldName([...issue.path, key]), message }));
  }
  return [{ field: fieldName(issue.path), message: worded(issue.message, language) }];
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'body' : path.map(String).join('.').slice(0, LONGEST_FIELD_NAME);
}

/** Schemas carry catalogue keys as messages. */
function worded(message: string, language: Language): string {
  return Object.hasOwn(fieldMessages, message) ? fieldMessages[message as FieldKey][language] : message;
}
