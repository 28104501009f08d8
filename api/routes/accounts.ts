/** Signing up, signing in, and who one is. */
import { defineRoute } from '../route';
import { accountView, login, registration, tokenView } from '../schemas/account';
import { showSession } from '../account-views';
import { showUser } from '../views';

export const register = defineRoute({
  name: 'register',
  method: 'post',
  path: '/api/v1/auth/register',
  tag: 'Accounts',
  summary: 'Create an account',
  auth: 'none',
  // a password is hashed, which takes a processor a quarter of a second
  cost: 10,
  body: registration,
  responses: { 201: { description: 'The new account', data: accountView } },
  failures: ['email_taken', 'username_taken', 'username_retired'],
  async handle({ engine, body, answer }) {
    const user = await engine.accounts.register(body);
    return answer(201, { message: 'account_created', data: { user: showUser(user) } });
  },
});

export const signIn = defineRoute({
  name: 'login',
  method: 'post',
  path: '/api/v1/auth/login',
  tag: 'Accounts',
  summary: 'Sign in',
  description: 'The OAuth2 password flow: a form with `username` (your e-mail) and `password`.',
  auth: 'none',
  cost: 10,
  body: login,
  bodyType: 'form',
  responses: { 200: { description: 'A bearer token', body: tokenView } },
  failures: ['invalid_credentials', 'too_many_attempts'],
  async handle({ engine, body, address, answer }) {
    const credentials = { email: body.username, password: body.password, address };
    const signedIn = await engine.accounts.login(credentials);
    return answer(200, { body: showSession(signedIn) });
  },
});

export const me = defineRoute({
  name: 'getMe',
  method: 'get',
  path: '/api/v1/auth/me',
  tag: 'Accounts',
  summary: 'Show your account',
  auth: 'user',
  scope: 'any',
  responses: { 200: { description: 'The account of the token', data: accountView } },
  failures: [],
  async handle({ caller, answer }) {
    return answer(200, { message: 'account_shown', data: { user: showUser(caller.user) } });
  },
});
