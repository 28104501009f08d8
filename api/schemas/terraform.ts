/** Plans, runs and drift, as the API shows them; sensitive values are masked before they come here. */
import { z } from 'zod';
import { answerSchema, requestSchema, timestamp } from './components';
import { says } from './field-message';
import { hostingView, prefer } from './hosting';
import { failureView, operationView } from './operation';
import { wholeNumber } from './whole-number';

const resourceChange = answerSchema(
  'ResourceChange',
  z.object({
    address: z.string().meta({ examples: ['libvirt_domain.vm'] }),
    type: z.string(),
    action: z.enum(['create', 'update', 'replace', 'delete']),
    attributes: z
      .array(
        z.object({
          name: z.string().meta({ examples: ['memory'] }),
          before: z.unknown(),
          after: z.unknown(),
          unknown: z.boolean().meta({ description: 'Known only after the apply' }),
          forces_replace: z.boolean(),
        }),
      )
      .meta({ description: 'What differs, of updates and replacements' }),
  }),
);

const planView = answerSchema(
  'Plan',
  z.object({
    run_id: z.string().nullable().meta({ description: 'null where no plan is possible: the disk is gone' }),
    at: timestamp,
    changed: z.boolean(),
    differences: z.array(z.string()).meta({
      description:
        'Everything that differs, also what Terraform does not see; `agreed` of an apply means these',
      examples: [['libvirt_domain.vm: update (running)']],
    }),
    changes: z.array(resourceChange),
    text: z.string().meta({ description: 'As Terraform shows it' }),
    json: z.record(z.string(), z.unknown()).meta({ description: 'Terraform’s plan JSON, secrets masked' }),
  }),
);

export const planAnswer = answerSchema('PlanAnswer', z.object({ plan: planView, operation: operationView }));
export const planPending = answerSchema('PlanPending', z.object({ operation: operationView }));

/** Differences are printable: no control characters, which PostgreSQL does not keep either. */
const oneLine = /^[\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd]*$/;

export const applyRequest = requestSchema(
  'ApplyRequest',
  z
    .strictObject({
      recreate_disk: z.boolean().default(false).meta({
        description: 'Makes an empty disk where yours is gone; without it such an apply is refused',
      }),
      agreed: z
        .array(z.string().max(1_000).regex(oneLine))
        .max(100)
        .nullable()
        .default(null)
        .meta({ description: 'The `differences` of the plan you looked at; another plan is then refused' }),
    })
    .optional(),
);

export const appliedHosting = answerSchema(
  'AppliedHosting',
  z.object({ hosting: hostingView, operation: operationView }),
);

const run = {
  id: z.string(),
  stack_id: z.string(),
  operation_id: z.string().nullable(),
  kind: z.enum(['plan', 'apply', 'destroy']),
  host: z.string().meta({ description: 'The machine that it ran on' }),
  tools: z
    .record(z.string(), z.string())
    .meta({ examples: [{ terraform: 'Terraform 1.11.4', libvirt: '0.8.3' }] }),
  requested_by: z.string().nullable().meta({ description: 'null where the service itself asked' }),
  started_at: timestamp,
  finished_at: timestamp.nullable(),
  exit_code: z.number().int().nullable(),
  phases: z
    .array(z.object({ phase: z.string(), start_ms: z.number(), ms: z.number() }))
    .meta({ description: 'A waterfall: the whole run first, then each resource' }),
  changes: z.array(resourceChange),
};

export const runList = answerSchema(
  'RunList',
  z.object({ runs: z.array(answerSchema('Run', z.object(run))) }),
);

export const runDetail = answerSchema(
  'RunDetail',
  z.object({
    run: z.object({
      ...run,
      log: z.string(),
      plan_text: z.string().nullable(),
      plan: z.record(z.string(), z.unknown()).nullable(),
    }),
  }),
);

export const runLogPiece = answerSchema('RunLogPiece', z.object({ text: z.string() }));

export const driftList = answerSchema(
  'DriftList',
  z.object({
    hostings: z.array(
      z.object({
        hosting_id: z.string(),
        vm_id: z.string(),
        username: z.string(),
        checked_at: timestamp.nullable(),
        differences: z.array(z.string()),
        look_failed: z.boolean(),
        look_failure: failureView.nullable().meta({ description: 'Why the newest look failed' }),
        asleep: z.boolean().meta({ description: 'Asleep: it is looked at when it is awake' }),
      }),
    ),
  }),
);

export const newPlanRequest = requestSchema(
  'NewPlanRequest',
  z.strictObject({
    username: z
      .string()
      .min(1, says('required'))
      .max(64)
      .regex(oneLine)
      .meta({ description: 'For whom the hosting would be' }),
  }),
);

export const removeQuery = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: '`true` answers with the plan of what would be removed, and removes nothing' }),
});

export const createQuery = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: '`true` answers with the plan of what would be made, and makes nothing' }),
});

export const idParams = z.strictObject({ id: z.guid(says('identifier_invalid')) });
export const preferHeader = z.strictObject({ prefer });
export const limitQuery = z.strictObject({ limit: wholeNumber(1, 1_000).default(20) });
