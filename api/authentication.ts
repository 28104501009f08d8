/** Bearer tokens (RFC 6750) from the Authorization header and nowhere else: a token in a URL ends in logs. */
import type { Request } from 'express';
import { EngineError, type Engine, type User } from '../engine';
import { HttpError } from './http-error';
import type { Access } from './route';

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
 * @throws unauthorized, forbidden
 */
export async function authenticate(
  request: Request,
  access: Access,
  engine: Engine,
): Promise<User | undefined> {
  if (access === 'none') return undefined;
  const token = bearerToken(request);
  if (token === undefined) throw new HttpError('unauthorized');
  const user = await engine.accounts.authenticate(token).catch((thrown: unknown) => {
    const refused = thrown instanceof EngineError && thrown.code === 'unauthorized';
    throw refused ? new HttpError('unauthorized', { cause: thrown }) : thrown;
  });
  if (access === 'admin' && user.role !== 'admin') throw new HttpError('forbidden');
  return user;
}
