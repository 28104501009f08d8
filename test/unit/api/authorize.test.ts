import { authorize } from '../../../api/authentication';
import type { Scope } from '../../../api/route';
import type { Caller, User } from '../../../engine';

const caller = (role: User['role'], scopes: readonly string[] | 'session'): Caller => ({
  user: { id: 1, email: 'kim@example.org', username: 'kim', role, createdAt: new Date(0) },
  via: (scopes === 'session' ? { kind: 'session' } : { kind: 'token', scopes }) as Caller['via'],
});
const outcome = (who: Caller, scope?: Scope, auth: 'admin' | 'user' = 'admin'): string => {
  try {
    authorize(who, { auth, method: 'get', scope });
    return 'let in';
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
};

describe('a route for administrators', () => {
  it.each<[string, Caller, string]>([
    ['an administrator', caller('admin', 'session'), 'let in'],
    ['an administrator’s token with the scope admin', caller('admin', ['admin']), 'let in'],
    ['an administrator’s token without it', caller('admin', ['hosting:read']), 'insufficient_scope'],
    // no token of theirs could do it: a scope is not what they lack
    ['a user’s token', caller('user', ['hosting:read']), 'forbidden'],
    ['a user’s token from when they were one', caller('user', ['admin']), 'forbidden'],
    ['a user', caller('user', 'session'), 'forbidden'],
  ])('answers %s as it should', (_, who, expected) => {
    expect(outcome(who)).toBe(expected);
  });

  it('stays one for tokens, whatever scope it names', () => {
    expect(outcome(caller('admin', ['hosting:read']), 'hosting:read')).toBe('forbidden');
    expect(outcome(caller('admin', ['hosting:read']), 'any')).toBe('forbidden');
    expect(outcome(caller('admin', ['hosting:read', 'admin']), 'hosting:read')).toBe('let in');
  });
});

it('a route for users asks a token for its scope, and for a session where it says so', () => {
  expect(outcome(caller('user', ['hosting:write']), undefined, 'user')).toBe('insufficient_scope');
  expect(outcome(caller('user', ['hosting:read']), undefined, 'user')).toBe('let in');
  expect(outcome(caller('user', ['hosting:read']), 'session', 'user')).toBe('session_required');
  expect(outcome(caller('user', 'session'), 'session', 'user')).toBe('let in');
});
