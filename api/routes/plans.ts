/** Plans, and applies that repair drift: of one's own hosting, and for administrators of any. */
import type { z } from 'zod';
import type { Language } from '../language';
import { asyncHeaders, awaitOperation, type Waiting, waitHeaders } from '../operation-wait';
import { awaitPlan } from '../plan-answer';
import { defineRoute, type Route } from '../route';
import {
  appliedHosting,
  applyRequest,
  idParams,
  newPlanRequest,
  planAnswer,
  planPending,
  preferHeader,
} from '../schemas/terraform';
import { showPlan } from '../terraform-views';
import { showHosting, showOperation } from '../views';

const planSpec = {
  method: 'get',
  tag: 'Terraform',
  summary: 'Make a new plan for a hosting and show what an apply would change',
  description: 'Changes nothing. Waits like `POST /api/v1/host`.',
  auth: 'user',
  headers: preferHeader,
  responses: {
    200: { description: 'The plan', data: planAnswer, headers: waitHeaders },
    202: { description: 'The plan is still being made', data: planPending, headers: asyncHeaders },
  },
  failures: ['hosting_not_found', 'plan_failed', 'libvirt_unavailable', 'terraform_missing', 'not_found'],
} as const;

const applySpec = {
  method: 'post',
  tag: 'Terraform',
  summary: 'Restore a hosting to its specification',
  description:
    'Corrects drift without touching the disk. If the disk is gone, it has to be agreed to: see `recreate_disk`.',
  auth: 'user',
  body: applyRequest,
  headers: preferHeader,
  responses: {
    200: { description: 'The hosting matches its specification', data: appliedHosting, headers: waitHeaders },
    202: { description: 'The plan is still being applied', data: appliedHosting, headers: asyncHeaders },
  },
  // prettier-ignore
  failures: [
    'too_many_operations',
    'hosting_not_found', 'plan_failed', 'plan_refused', 'plan_changed', 'apply_failed', 'disk_lost', 'disk_full',
    'guest_unreachable', 'libvirt_unavailable', 'terraform_missing', 'not_found', 'memory_exhausted',
  ],
} as const;

interface Asking extends Waiting {
  readonly language: Language;
}

async function plan(context: Asking, hostingId: string | null, prefer: string | undefined) {
  return awaitPlan(context, await context.engine.plans.request(context.user, hostingId), prefer);
}

async function apply(
  context: Asking,
  hostingId: string | null,
  body: z.output<typeof applyRequest>,
  prefer: string | undefined,
) {
  const { engine, user, language } = context;
  const input = { recreateDisk: body?.recreate_disk ?? false, agreed: body?.agreed ?? null };
  const waited = await awaitOperation(context, await engine.plans.apply(user, hostingId, input), prefer);
  const hosting = await engine.hostings.get(user, waited.operation.hostingId ?? '');
  const data = {
    hosting: showHosting(hosting, language),
    operation: showOperation(waited.operation, language),
  };
  return { ...waited, data };
}

const planMyHosting = defineRoute({
  ...planSpec,
  name: 'planMyHosting',
  path: '/api/v1/host/my/plan',
  async handle(context) {
    const { done, data, headers } = await plan(context, null, context.headers.prefer);
    return done
      ? context.answer(200, { message: 'plan_shown', data, headers })
      : context.answer(202, { message: 'plan_pending', data, headers });
  },
});

const planHosting = defineRoute({
  ...planSpec,
  name: 'planHosting',
  path: '/api/v1/hostings/{id}/plan',
  params: idParams,
  async handle(context) {
    const { done, data, headers } = await plan(context, context.params.id, context.headers.prefer);
    return done
      ? context.answer(200, { message: 'plan_shown', data, headers })
      : context.answer(202, { message: 'plan_pending', data, headers });
  },
});

const applyMyHosting = defineRoute({
  ...applySpec,
  name: 'applyMyHosting',
  path: '/api/v1/host/my/apply',
  async handle(context) {
    const { body, headers: asked, answer } = context;
    const { done, data, headers } = await apply(context, null, body, asked.prefer);
    return done
      ? answer(200, { message: 'plan_applied', data, headers })
      : answer(202, { message: 'plan_applying', data, headers });
  },
});

const applyHosting = defineRoute({
  ...applySpec,
  name: 'applyHosting',
  path: '/api/v1/hostings/{id}/apply',
  params: idParams,
  async handle(context) {
    const { body, params, headers: asked, answer } = context;
    const { done, data, headers } = await apply(context, params.id, body, asked.prefer);
    return done
      ? answer(200, { message: 'plan_applied', data, headers })
      : answer(202, { message: 'plan_applying', data, headers });
  },
});

const planNewHosting = defineRoute({
  name: 'planNewHosting',
  method: 'post',
  path: '/api/v1/admin/plans',
  tag: 'Administration',
  summary: 'Plan what creating a hosting for a user would create',
  description: 'Creates nothing. Waits like `POST /api/v1/host`.',
  changes: 'nothing',
  auth: 'admin',
  body: newPlanRequest,
  headers: preferHeader,
  responses: planSpec.responses,
  // prettier-ignore
  failures: [
    'too_many_operations',
    ...planSpec.failures, 'node_not_ready', 'synthesis_failed', 'image_missing', 'quota_exceeded', 'ports_exhausted',
    'addresses_exhausted', 'plan_refused',
  ],
  async handle(context) {
    const accepted = await context.engine.plans.requestNewFor(context.body.username);
    const { done, data, headers } = await awaitPlan(context, accepted, context.headers.prefer);
    return done
      ? context.answer(200, { message: 'plan_shown', data, headers })
      : context.answer(202, { message: 'plan_pending', data, headers });
  },
});

const showPlanOfOperation = defineRoute({
  name: 'getPlanOfOperation',
  method: 'get',
  path: '/api/v1/operations/{id}/plan',
  tag: 'Terraform',
  summary: 'Show the plan that an operation made',
  description:
    'For clients that did not wait: once the operation has ended, returns what a waiting request would have returned.',
  auth: 'user',
  params: idParams,
  responses: { 200: { description: 'The plan', data: planAnswer } },
  // prettier-ignore
  failures: [
    'operation_not_found', 'not_ended', 'plan_failed', 'plan_refused', 'synthesis_failed', 'libvirt_unavailable',
    'terraform_missing', 'node_not_ready', 'image_missing', 'not_found', 'cancelled', 'lease_lost', 'quota_exceeded',
    'ports_exhausted', 'addresses_exhausted',
  ],
  async handle({ engine, user, params, language, answer }) {
    const operation = await engine.operations.get(user, params.id);
    const data = {
      plan: showPlan(await engine.plans.of(operation)),
      operation: showOperation(operation, language),
    };
    return answer(200, { message: 'plan_shown', data });
  },
});

export const planRoutes: readonly Route[] = [
  planMyHosting,
  planHosting,
  applyMyHosting,
  applyHosting,
  planNewHosting,
  showPlanOfOperation,
];
