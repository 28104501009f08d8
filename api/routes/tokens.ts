/** Personal API tokens, for scripts: made, listed and revoked by whoever has signed in. */
import { showApiToken } from '../account-views';
import { defineRoute, type Route } from '../route';
import { madeToken, tokenList, tokenParams, tokenRequest } from '../schemas/token';

const createToken = defineRoute({
  name: 'createApiToken',
  method: 'post',
  path: '/api/v1/auth/tokens',
  tag: 'Accounts',
  summary: 'Create an API token',
  description:
    'It acts for you within its scopes until it expires. Only administrators can grant the scope `admin`.',
  auth: 'user',
  scope: 'session',
  body: tokenRequest,
  responses: { 201: { description: 'The token; it is not shown again', data: madeToken } },
  failures: ['forbidden', 'quota_exceeded'],
  async handle({ engine, user, body, answer }) {
    const { name, scopes, expires_in_days: days } = body;
    const { token, made } = await engine.tokens.create(user, { name, scopes, days });
    return answer(201, { message: 'token_made', data: { token, api_token: showApiToken(made) } });
  },
});

const listTokens = defineRoute({
  name: 'listApiTokens',
  method: 'get',
  path: '/api/v1/auth/tokens',
  tag: 'Accounts',
  summary: 'List your valid API tokens',
  auth: 'user',
  scope: 'session',
  responses: { 200: { description: 'The tokens, without the secrets themselves', data: tokenList } },
  failures: [],
  async handle({ engine, user, answer }) {
    const tokens = await engine.tokens.list(user);
    return answer(200, { message: 'tokens_listed', data: { api_tokens: tokens.map(showApiToken) } });
  },
});

const revokeToken = defineRoute({
  name: 'revokeApiToken',
  method: 'delete',
  path: '/api/v1/auth/tokens/{id}',
  tag: 'Accounts',
  summary: 'Revoke an API token',
  auth: 'user',
  scope: 'session',
  params: tokenParams,
  responses: { 204: { description: 'The token is no longer accepted', empty: true } },
  failures: ['token_not_found'],
  async handle({ engine, user, params, answer }) {
    await engine.tokens.revoke(user, params.id);
    return answer(204, { empty: true });
  },
});

export const tokenRoutes: readonly Route[] = [createToken, listTokens, revokeToken];
