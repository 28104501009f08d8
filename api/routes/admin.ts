/** What an operator sees of everybody's. */
import { defineRoute } from '../route';
import { operationList, operationQuery } from '../schemas/operation';
import { showListedOperation } from '../views';

export const listOperations = defineRoute({
  name: 'listOperations',
  method: 'get',
  path: '/api/v1/admin/operations',
  tag: 'Administration',
  summary: 'List operations of all users, newest first',
  description: 'With `status=stuck`: what waits for somebody to go on with it, and what it still owns.',
  auth: 'admin',
  query: operationQuery,
  responses: { 200: { description: 'The operations', data: operationList } },
  failures: [],
  async handle({ engine, query, language, answer }) {
    const found = await engine.operations.list(query);
    const operations = found.map((operation) => showListedOperation(operation, language));
    return answer(200, { message: 'operations_listed', data: { operations } });
  },
});
