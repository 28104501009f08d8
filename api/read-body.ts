/** Reads a request body as its route declares it, with a bound on its size. */
import express, { type Request, type RequestHandler, type Response } from 'express';
import { HttpError } from './http-error';
import { free } from './rate-limits';
import type { Route } from './route';

const LIMIT_BYTES = 64 * 1024;
/** The content type is judged here, once, so the parsers take whatever they are given. */
const always = (): boolean => true;
/** Compressed bodies are refused: nothing so small gains by it, and there is no bomb to defuse. */
const parsers: Readonly<Record<'json' | 'form', RequestHandler>> = {
  json: express.json({ limit: LIMIT_BYTES, inflate: false, type: always }),
  form: express.urlencoded({
    limit: LIMIT_BYTES,
    inflate: false,
    type: always,
    extended: false,
    parameterLimit: 50,
  }),
};

export const contentTypes = { json: 'application/json', form: 'application/x-www-form-urlencoded' } as const;

/** What a browser sends for a page of any site without asking first: the values of a form's `enctype`. */
const formTypes = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'];

/**
 * A page of another site can have its visitors send such a body, with a browser that does not tell where it comes from:
 * it is refused before it is counted for them, and before anything is looked up.
 *
 * @throws unsupported_media_type
 */
export function refuseForms(route: Route, request: Request): void {
  const type = contentTypes[route.bodyType ?? 'json'];
  // null where there is no body; `curl -d ''` names a type for none
  if (request.headers['content-length'] === '0') return;
  if (!request.is(formTypes.filter((form) => form !== type))) return;
  throw free(new HttpError('unsupported_media_type', { details: { expected: type } }));
}

/**
 * Fills `request.body`; undefined when there is none.
 *
 * @throws unsupported_media_type, payload_too_large, malformed_json
 */
export async function readBody(route: Route, request: Request, response: Response): Promise<void> {
  if (route.body === undefined) return;
  const type = route.bodyType ?? 'json';
  // null: there is no body, which the schema judges.
  const is = request.is(contentTypes[type]);
  if (is === null || request.headers['content-length'] === '0') return;
  if (is === false)
    throw new HttpError('unsupported_media_type', { details: { expected: contentTypes[type] } });
  await new Promise<void>((resolve, reject) => {
    parsers[type](request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
}
