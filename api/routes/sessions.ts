/** How sessions and accounts end. No API token may do any of this: whoever finds one must not get the account with it. */
import { showSession } from '../account-views';
import { HttpError } from '../http-error';
import { fieldMessages } from '../messages';
import { defineRoute, type Route } from '../route';
import { isOwnName } from '../schemas/account';
import { accountDeletion, changedPassword, logoutRequest, passwordChange } from '../schemas/session';

const logout = defineRoute({
  name: 'logout',
  method: 'post',
  path: '/api/v1/auth/logout',
  tag: 'Accounts',
  summary: 'Sign out: the access token is no longer accepted',
  auth: 'user',
  scope: 'session',
  body: logoutRequest,
  responses: { 204: { description: 'Signed out', empty: true } },
  failures: [],
  async handle({ engine, caller, body, answer }) {
    await engine.accounts.logout(caller, { everywhere: body?.everywhere ?? false });
    return answer(204, { empty: true });
  },
});

const changePassword = defineRoute({
  name: 'changePassword',
  method: 'post',
  path: '/api/v1/auth/password',
  tag: 'Accounts',
  summary: 'Change your password',
  description:
    'Ends all sessions and gives this one a new token. API tokens stay valid: revoke them one by one.',
  auth: 'user',
  scope: 'session',
  cost: 10,
  body: passwordChange,
  responses: { 200: { description: 'Changed; continue with this token', data: changedPassword } },
  failures: ['wrong_password', 'too_many_attempts'],
  async handle({ engine, caller, body, address, language, answer }) {
    const { current_password: current, new_password: next } = body;
    if (isOwnName(next, caller.user)) {
      const message = fieldMessages.password_personal[language];
      throw new HttpError('validation_failed', { details: { fields: [{ field: 'new_password', message }] } });
    }
    const signedIn = await engine.accounts.changePassword(caller, { current, next, address });
    return answer(200, { message: 'password_changed', data: { session: showSession(signedIn) } });
  },
});

const deleteAccount = defineRoute({
  name: 'deleteAccount',
  method: 'delete',
  path: '/api/v1/auth/me',
  tag: 'Accounts',
  summary: 'Delete your account',
  description:
    'Only possible without a hosting. E-mail address, username and password are erased; all tokens become invalid ' +
    'immediately. The username is kept, separately from the account, as long as it stays reserved (`USERNAME_REST_DAYS`).',
  auth: 'user',
  scope: 'session',
  cost: 10,
  body: accountDeletion,
  responses: { 204: { description: 'Deleted', empty: true } },
  failures: ['wrong_password', 'too_many_attempts', 'hosting_exists'],
  async handle({ engine, caller, body, address, answer }) {
    await engine.accounts.delete(caller, { password: body.password, address });
    return answer(204, { empty: true });
  },
});

export const sessionRoutes: readonly Route[] = [logout, changePassword, deleteAccount];
