/** Reads a request body as its route declares it, with a bound on its size. */
import express, { type Request, type RequestHandler, type Response } from 'express';
import { HttpError } from './http-error';
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
