/** Bearer tokens (RFC 6750) from the Authorization header and nowhere else: a token in a URL ends in logs. */
import type { Request } from 'express';
import { EngineError, type Caller, type Engine } from '../engine';
import { HttpError } from './http-error';
import type { Route } from './route';
import { effectiveUser, requireScope, scopeOf } from './scope';

/** RFC 6750's b64token; the scheme's name is case-insensitive. */
const bearer = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

export function bearerToken(request: Request): string | undefined {
  return bearer.exec(request.headers.authorization ?? '')?.[1];
}

/**
 * The caller of a route, or undefined where none is asked for.
 *
 * A missing, a malformed and a refused token get the same answer, so that none tells what a token looks like.
 *
 * @throws unauthorized
 */
export async function authenticate(
  request: Request,
  { auth }: Pick<Route, 'auth'>,
  engine: Engine,
): Promise<Caller | undefined> {
  if (auth === 'none') return undefined;
  const token = bearerToken(request);
  if (token === undefined) {
    if (auth === 'optional' && request.headers.authorization === undefined) return undefined;
    throw new HttpError('unauthorized');
  }
  return engine.accounts.authenticate(token).catch((thrown: unknown) => {
    const refused = thrown instanceof EngineError && thrown.code === 'unauthorized';
    throw refused ? new HttpError('unauthorized', { cause: thrown }) : thrown;
  });
}

/** @throws forbidden, insufficient_scope, session_required */
export function authorize(caller: Caller | undefined, route: Pick<Route, 'auth' | 'method' | 'scope'>): void {
  if (caller === undefined) return;
  if (route.auth === 'admin' && caller.user.role !== 'admin') throw new HttpError('forbidden');
  requireScope(caller, scopeOf(route));
  if (route.auth === 'admin' && effectiveUser(caller).role !== 'admin') throw new HttpError('forbidden');
}
