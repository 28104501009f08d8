/** Labels that administrators give to accounts, so that a course is found again whatever its members make anew. */
import type { z } from 'zod';
import type { UserLabels } from '../../engine';
import { defineRoute, type Route } from '../route';
import { labelsRequest, userLabels, userParams } from '../schemas/label';

const path = '/api/v1/admin/users/{username}/labels';

const getLabels = defineRoute({
  name: 'getUserLabels',
  method: 'get',
  path,
  tag: 'Administration',
  summary: 'Show the labels of an account and of its hosting',
  auth: 'admin',
  params: userParams,
  responses: { 200: { description: 'The labels', data: userLabels } },
  failures: ['not_found'],
  async handle({ engine, params, answer }) {
    const data = showLabels(await engine.labels.of(params.username));
    return answer(200, { message: 'labels_shown', data });
  },
});

const setLabels = defineRoute({
  name: 'setUserLabels',
  method: 'put',
  path,
  tag: 'Administration',
  summary: 'Set the labels of an account',
  description:
    'Replaces the previous labels of the account. Its hosting carries the new labels immediately, and so does every hosting that the user creates later.',
  auth: 'admin',
  params: userParams,
  body: labelsRequest,
  responses: { 200: { description: 'The new labels', data: userLabels } },
  failures: ['not_found'],
  async handle({ engine, params, body, answer }) {
    const data = showLabels(await engine.labels.set(params.username, body.labels));
    return answer(200, { message: 'labels_set', data });
  },
});

function showLabels({ username, labels, vmName, hostingLabels }: UserLabels): z.output<typeof userLabels> {
  return {
    username,
    labels: { ...labels },
    vm_name: vmName,
    vm_id: vmName,
    hosting_labels: hostingLabels === null ? null : { ...hostingLabels },
  };
}

export const labelRoutes: readonly Route[] = [getLabels, setLabels];
