/** The caller's own hosting. */
import { z } from 'zod';
import type { Hosting, Operation } from '../../engine';
import type { Language } from '../language';
import { asyncHeaders, awaitOperation, type Waiting, waitHeaders } from '../operation-wait';
import { awaitPlan } from '../plan-answer';
import { defineRoute } from '../route';
import { createQuery, idParams, planAnswer, planPending, removeQuery } from '../schemas/terraform';
import {
  createdHosting,
  createHeaders,
  deleteHeaders,
  hostingAccess,
  hostingRequest,
  removedHosting,
} from '../schemas/hosting';
import { showAccess, showHosting, showOperation } from '../views';

export const createHosting = defineRoute({
  name: 'createHosting',
  method: 'post',
  path: '/api/v1/host',
  tag: 'Hosting',
  summary: 'Create your hosting: a VM with a web server',
  description: 'Waits until the page is served, or responds with 202 and the operation (see `Prefer`).',
  auth: 'user',
  body: hostingRequest,
  headers: createHeaders,
  query: createQuery,
  responses: {
    200: { description: 'With `dry_run`: what would be created', data: planAnswer, headers: waitHeaders },
    201: { description: 'The hosting is up and serves its page', data: createdHosting, headers: waitHeaders },
    202: {
      description: 'Accepted; the hosting is still being created or planned',
      data: z.union([createdHosting, planPending]),
      headers: asyncHeaders,
    },
  },
  // prettier-ignore
  failures: [
    'too_many_operations',
    'quota_exceeded', 'ports_exhausted', 'addresses_exhausted', 'node_full', 'idempotency_key_reused',
    'node_not_ready',
    'cancelled', 'synthesis_failed', 'plan_failed', 'plan_refused', 'apply_failed',
    'guest_unreachable', 'proxy_refused', 'proxy_unreachable', 'image_missing', 'libvirt_unavailable', 'disk_full',
    'memory_exhausted', 'isolation_failed', 'lease_lost',
  ],
  async handle(context) {
    const { engine, user, body, headers, query, language, answer } = context;
    if (query.dry_run === 'true') {
      const request = await engine.plans.requestNew(user, { sshPublicKey: body?.ssh_public_key });
      const dry = await awaitPlan(context, request, headers.prefer);
      return dry.done
        ? answer(200, { message: 'plan_shown', data: dry.data, headers: dry.headers })
        : answer(202, { message: 'plan_pending', data: dry.data, headers: dry.headers });
    }
    const accepted = await engine.hostings.create(user, {
      sshPublicKey: body?.ssh_public_key,
      labels: body?.labels,
      idempotencyKey: headers['idempotency-key'],
    });
    const waited = await awaitOperation(context, accepted.operation, headers.prefer);
    const hosting = waited.done ? await engine.hostings.get(user, accepted.hosting.id) : accepted.hosting;
    const data = {
      ...showAccess(hosting, language),
      ...(accepted.sshPrivateKey === null ? {} : { ssh_private_key: accepted.sshPrivateKey }),
      operation: showOperation(waited.operation, language),
    };
    return waited.done
      ? answer(201, { message: 'hosting_ready', data, headers: waited.headers })
      : answer(202, { message: 'hosting_accepted', data, headers: waited.headers });
  },
});

export const showMyHosting = defineRoute({
  name: 'getMyHosting',
  method: 'get',
  path: '/api/v1/host/my',
  tag: 'Hosting',
  summary: 'Show your hosting',
  auth: 'user',
  responses: { 200: { description: 'Your hosting and how to access it', data: hostingAccess } },
  failures: ['hosting_not_found'],
  async handle({ engine, user, language, answer }) {
    const hosting = await engine.hostings.mine(user);
    return answer(200, { message: 'hosting_shown', data: showAccess(hosting, language) });
  },
});

export const showOneHosting = defineRoute({
  name: 'getHosting',
  method: 'get',
  path: '/api/v1/hostings/{id}',
  tag: 'Hosting',
  summary: 'Show a hosting by ID: your own, or any hosting as an administrator',
  description: 'Includes hostings that have ended: `status` and `failure` say how.',
  auth: 'user',
  params: idParams,
  responses: { 200: { description: 'The hosting and how to access it', data: hostingAccess } },
  failures: ['hosting_not_found'],
  async handle({ engine, user, params, language, answer }) {
    const hosting = await engine.hostings.get(user, params.id);
    return answer(200, { message: 'hosting_shown', data: showAccess(hosting, language) });
  },
});

export const deleteMyHosting = defineRoute({
  name: 'deleteMyHosting',
  method: 'delete',
  path: '/api/v1/host/my',
  tag: 'Hosting',
  summary: 'Delete your hosting and every trace of it',
  description:
    'If the hosting is still being created, that is cancelled first. Waits like `POST /api/v1/host`.',
  auth: 'user',
  headers: deleteHeaders,
  responses: {
    200: { description: 'What was removed', data: removedHosting, headers: waitHeaders },
    202: {
      description: 'Accepted; the hosting is still being removed',
      data: removedHosting,
      headers: asyncHeaders,
    },
  },
  // prettier-ignore
  failures: [
    'hosting_not_found', 'not_cancellable', 'cancelled', 'plan_failed', 'plan_refused',
    'proxy_refused', 'proxy_unreachable', 'node_not_ready', 'libvirt_unavailable', 'lease_lost',
  ],
  async handle(context) {
    const { engine, user, headers: asked, answer } = context;
    const hosting = await engine.hostings.mine(user);
    const accepted = await engine.hostings.delete(user);
    const { done, data, headers } = await awaitRemoval(context, hosting, accepted, asked.prefer);
    return done
      ? answer(200, { message: 'hosting_deleted', data, headers })
      : answer(202, { message: 'hosting_deleting', data, headers });
  },
});

export const removeHosting = defineRoute({
  name: 'removeHosting',
  method: 'delete',
  path: '/api/v1/hostings/{id}',
  tag: 'Hosting',
  summary: 'Delete a hosting by ID: your own, or any hosting as an administrator',
  description: 'With `dry_run`, shows what would be removed. Waits like `POST /api/v1/host`.',
  auth: 'user',
  params: idParams,
  headers: deleteHeaders,
  query: removeQuery,
  responses: {
    200: {
      description: 'What was removed, or with `dry_run` what would be',
      data: z.union([removedHosting, planAnswer]),
      headers: waitHeaders,
    },
    202: {
      description: 'Accepted; the hosting is still being removed, or the removal is still being planned',
      data: z.union([removedHosting, planPending]),
      headers: asyncHeaders,
    },
  },
  // prettier-ignore
  failures: [
    'too_many_operations',
    'hosting_not_found', 'not_found', 'not_cancellable', 'cancelled', 'plan_failed', 'plan_refused',
    'proxy_refused', 'proxy_unreachable', 'node_not_ready', 'libvirt_unavailable', 'terraform_missing', 'lease_lost',
  ],
  async handle(context) {
    const { engine, user, params, headers: asked, query, answer } = context;
    if (query.dry_run === 'true') {
      const request = await engine.plans.requestDelete(user, params.id);
      const dry = await awaitPlan(context, request, asked.prefer);
      return dry.done
        ? answer(200, { message: 'removal_shown', data: dry.data, headers: dry.headers })
        : answer(202, { message: 'plan_pending', data: dry.data, headers: dry.headers });
    }
    const hosting = await engine.hostings.get(user, params.id);
    const accepted = await engine.hostings.remove(user, params.id);
    const { done, data, headers } = await awaitRemoval(context, hosting, accepted, asked.prefer);
    return done
      ? answer(200, { message: 'hosting_removed', data, headers })
      : answer(202, { message: 'hosting_removing', data, headers });
  },
});

/** @param hosting  as it was read before it is gone: the answer names what was removed */
async function awaitRemoval(
  context: Waiting & { readonly language: Language },
  hosting: Hosting,
  accepted: Operation,
  prefer: string | undefined,
) {
  const { done, operation, headers } = await awaitOperation(context, accepted, prefer);
  const data = {
    hosting: showHosting({ ...hosting, status: done ? 'deleted' : 'deleting' }, context.language),
    operation: showOperation(operation, context.language),
  };
  return { done, data, headers };
}
