/** Plans, runs and drift, as the API shows them; sensitive values are masked before they come here. */
import { z } from 'zod';
import { lowerAscii } from '../../engine';
import { answerSchema, moment, named, requestSchema, text, told } from './components';
import { says } from './field-message';
import { hostingView, prefer } from './hosting';
import { failureView, operationView } from './operation';
import { next, page } from './page';

const resourceChange = answerSchema(
  'ResourceChange',
  z.object({
    address: text('Of the resource in its stack', 'libvirt_domain.vm'),
    type: text('Of the resource', 'libvirt_domain'),
    action: told(z.enum(['create', 'update', 'replace', 'delete']), 'What becomes of it', 'update'),
    attributes: z
      .array(
        z.object({
          name: text('Of the attribute', 'memory'),
          before: told(z.unknown(), 'Its value now', 512),
          after: told(z.unknown(), 'Its value then', 1024),
          unknown: told(z.boolean(), 'Known only after the apply', false),
          forces_replace: told(z.boolean(), 'For its sake the resource is made anew', false),
        }),
      )
      .meta({ description: 'What differs, of updates and replacements' }),
  }),
  'What becomes of one resource',
);

const planView = answerSchema(
  'Plan',
  z.object({
    run_id: told(named('').nullable(), 'null where no plan is possible: the disk is gone'),
    at: moment('When it was made'),
    changed: told(z.boolean(), 'There is a difference', true),
    differences: z.array(z.string()).meta({
      description:
        'Everything that differs, also what Terraform does not see; `agreed` of an apply means these',
      examples: [['libvirt_domain.vm: update (running)']],
    }),
    changes: z.array(resourceChange).meta({ description: 'Resource by resource' }),
    text: text('As Terraform shows it', 'No changes. Your infrastructure matches the configuration.'),
    json: told(z.record(z.string(), z.unknown()), 'Terraform’s plan JSON, secrets masked', {
      format_version: '1.2',
    }),
  }),
  'What an apply would change',
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
  id: named('Of the run'),
  stack_id: named('Of the hosting or the node'),
  operation_id: told(named('').nullable(), 'What it was done for'),
  kind: told(z.enum(['plan', 'apply', 'destroy']), 'What Terraform was asked', 'plan'),
  host: text('The machine that it ran on', 'node-1'),
  tools: told(z.record(z.string(), z.string()), 'What it ran with', {
    terraform: 'Terraform 1.11.4',
    libvirt: '0.8.3',
  }),
  requested_by: told(
    z.string().nullable(),
    'A username, or `operator NAME` of the machine; null where the service itself asked',
    'mina',
  ),
  started_at: moment('When it began'),
  finished_at: told(moment('').nullable(), 'null while it runs, and where its worker died'),
  exit_code: told(z.int().nullable(), 'Of Terraform; null before its end', 0),
  phases: z
    .array(
      z.object({
        phase: text('Of the run, or a resource', 'plan'),
        start_ms: told(z.number(), 'Since the run began', 0),
        ms: told(z.number(), 'How long it took', 280),
      }),
    )
    .meta({ description: 'A waterfall: the whole run first, then each resource' }),
  changes: z.array(resourceChange).meta({ description: 'What it planned or did' }),
};

export const runList = answerSchema(
  'RunList',
  z.object({
    runs: z
      .array(answerSchema('Run', z.object(run), 'One plan, apply or destroy'))
      .meta({ description: 'Newest first' }),
    next,
  }),
);

export const runDetail = answerSchema(
  'RunDetail',
  z.object({
    run: z
      .object({
        ...run,
        log: text('Without colours and secrets', 'No changes.\n'),
        plan_text: told(z.string().nullable(), 'As Terraform shows it; only of plans', 'No changes.'),
        plan: told(z.record(z.string(), z.unknown()).nullable(), 'Plan JSON, secrets masked; only of plans', {
          format_version: '1.2',
        }),
      })
      .meta({ description: 'With what it said and planned' }),
  }),
);

export const runLogPiece = answerSchema(
  'RunLogPiece',
  z.object({ text: text('What was said since the event before', 'No changes.\n') }),
);

export const driftList = answerSchema(
  'DriftList',
  z.object({
    hostings: z
      .array(
        z.object({
          hosting_id: named('Of the hosting'),
          vm_id: text('Name of the VM', 'vm-1a2b3c4d'),
          username: text('Of its owner', 'mina'),
          checked_at: told(moment('').nullable(), 'null before the first look that succeeded'),
          differences: told(z.array(z.string()), 'What differs; empty where nothing does', [
            'libvirt_domain.vm: update (running)',
          ]),
          look_failed: told(z.boolean(), 'The newest look failed; what stands here is older', false),
          look_failure: failureView
            .nullable()
            .meta({ description: 'Why the newest look failed', examples: [null] }),
          asleep: told(z.boolean(), 'Asleep: it is looked at when it is awake', false),
        }),
      )
      .meta({ description: 'The oldest first' }),
    next,
  }),
);

export const newPlanRequest = requestSchema(
  'NewPlanRequest',
  z.strictObject({
    username: z
      .string()
      .min(1, says('required'))
      .max(64)
      .overwrite((typed) => lowerAscii(typed.trim()))
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

export const idParams = z.strictObject({
  id: z.guid(says('identifier_invalid')).meta({ description: 'As lists and answers have it' }),
});
export const preferHeader = z.strictObject({ prefer });
export const pageQuery = z.strictObject(page());
