/** What a personal API token may do, and as whom: never more than its scopes, never more than its user. */
import type { Caller, User } from '../engine';
import { HttpError } from './http-error';
import type { Route, Scope } from './route';

export function scopeOf({ auth, method, scope }: Pick<Route, 'auth' | 'method' | 'scope'>): Scope {
  if (scope !== undefined) return scope;
  // what it adds to a stranger's answer, the role decides
  if (auth === 'optional') return 'any';
  if (auth === 'admin') return 'admin';
  return method === 'get' ? 'hosting:read' : 'hosting:write';
}

/** @throws insufficient_scope, session_required */
export function requireScope({ via }: Caller, wanted: Scope): void {
  if (via.kind === 'session' || wanted === 'any') return;
  if (wanted === 'session') throw new HttpError('session_required');
  if (!via.scopes.includes(wanted)) throw new HttpError('insufficient_scope', { details: { scope: wanted } });
}

/** A token that may not administrate is no way to look into what is everybody's. */
export function effectiveUser({ user, via }: Caller): User {
  const mayAll = via.kind === 'session' || via.scopes.includes('admin');
  return mayAll ? user : { ...user, role: 'user' };
}
