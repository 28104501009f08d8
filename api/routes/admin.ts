/** What an administrator sees of all users. */
import { defineRoute } from '../route';
import { hostingList, hostingQuery } from '../schemas/hosting';
import { nextOf } from '../schemas/page';
import { operationList, operationQuery } from '../schemas/operation';
import { userParams } from '../schemas/label';
import { showListedHosting, showListedOperation } from '../views';

export const listOperations = defineRoute({
  name: 'listOperations',
  method: 'get',
  path: '/api/v1/admin/operations',
  tag: 'Administration',
  summary: 'List operations of all users, newest first',
  description:
    'With `status=stuck`: operations that wait for someone to resume them, and the resources they still hold.',
  auth: 'admin',
  query: operationQuery,
  responses: { 200: { description: 'The operations', data: operationList } },
  failures: [],
  async handle({ engine, query, language, answer }) {
    const found = await engine.operations.list(query);
    const operations = found.map((operation) => showListedOperation(operation, language));
    return answer(200, {
      message: 'operations_listed',
      data: { operations, next: nextOf(found, query, ({ id }) => id) },
    });
  },
});

export const listHostings = defineRoute({
  name: 'listHostings',
  method: 'get',
  path: '/api/v1/admin/hostings',
  tag: 'Administration',
  summary: 'List current hostings of all users, oldest first',
  auth: 'admin',
  query: hostingQuery,
  responses: {
    200: { description: 'The hostings, with the result of the last drift check', data: hostingList },
  },
  failures: [],
  async handle({ engine, query, language, answer }) {
    const filter = {
      names: query.names?.split(',') ?? [],
      labels: Object.fromEntries((query.labels?.split(',') ?? []).map(pairOf)),
      olderThanSeconds: query.older_than_seconds ?? null,
      status: query.status,
    };
    const found = await engine.hostings.list(filter, { limit: query.limit, after: query.after });
    const next = nextOf(found, query, ({ id }) => id);
    return answer(200, {
      message: 'hostings_listed',
      data: { hostings: found.map((each) => showListedHosting(each, language)), next },
    });
  },
});

function pairOf(label: string): [string, string] {
  const [name = '', value = ''] = label.split('=');
  return [name, value];
}

export const releaseUsername = defineRoute({
  name: 'releaseUsername',
  method: 'delete',
  path: '/api/v1/admin/retired-usernames/{username}',
  tag: 'Administration',
  summary: 'Release the username of a deleted account immediately',
  description:
    'Such a username stays reserved for `USERNAME_REST_DAYS`, since links still lead to it as a host name. Once released, the next person to register it gets it.',
  auth: 'admin',
  params: userParams,
  responses: { 204: { description: 'The username can be registered', empty: true } },
  failures: ['not_found'],
  async handle({ engine, params, answer }) {
    await engine.usernames.release(params.username);
    return answer(204, { empty: true });
  },
});
