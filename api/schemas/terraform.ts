/** Plans, runs and drift, as the API shows them; sensitive values are masked before they come here. */
import { z } from 'zod';
import { lowerAscii } from '../../engine';
import { answerSchema, moment, named, requestSchema, text, told, vmId, vmName } from './components';
import { says } from './field-message';
import { hostingView, lastCheck, prefer } from './hosting';
import { operationView } from './operation';
import { next, page } from './page';

const resourceChange = answerSchema(
  'ResourceChange',
  z.object({
    address: text('Address of the resource in its stack', 'libvirt_domain.vm'),
    type: text('Type of the resource', 'libvirt_domain'),
    action: told(z.enum(['create', 'update', 'replace', 'delete']), 'What happens to the resource', 'update'),
    attributes: z
      .array(
        z.object({
          name: text('Name of the attribute', 'memory'),
          before: told(z.unknown(), 'Value before the change', 512),
          after: told(z.unknown(), 'Value after the change', 1024),
          unknown: told(z.boolean(), 'Whether the new value is known only after the apply', false),
          forces_replace: told(z.boolean(), 'Whether the change forces a replacement of the resource', false),
        }),
      )
      .meta({ description: 'Changed attributes, for updates and replacements' }),
  }),
  'The change of one resource',
);

const planView = answerSchema(
  'Plan',
  z.object({
    run_id: told(
      named('').nullable(),
      'ID of the Terraform run; null if no plan is possible because the disk is gone',
    ),
    at: moment('When the plan was made'),
    changed: told(z.boolean(), 'Whether there are differences', true),
    differences: z.array(z.string()).meta({
      description:
        'All differences, including those that Terraform does not see; send these as `agreed` when applying',
      examples: [['libvirt_domain.vm: update (running)']],
    }),
    changes: z.array(resourceChange).meta({ description: 'The changes, by resource' }),
    text: text(
      'The plan as Terraform prints it',
      'No changes. Your infrastructure matches the configuration.',
    ),
    json: told(z.record(z.string(), z.unknown()), 'Terraform’s plan in JSON, with secrets masked', {
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
        description: 'Creates an empty disk if yours is gone; otherwise such an apply is refused',
      }),
      agreed: z.array(z.string().max(1_000).regex(oneLine)).max(100).nullable().default(null).meta({
        description: 'The `differences` of the plan that you reviewed; a different plan is then refused',
      }),
    })
    .optional(),
);

export const appliedHosting = answerSchema(
  'AppliedHosting',
  z.object({ hosting: hostingView, operation: operationView }),
);

const run = {
  id: named('Run ID'),
  stack_id: named('ID of the stack: a hosting or a node'),
  operation_id: told(named('').nullable(), 'ID of the operation that the run belongs to'),
  kind: told(z.enum(['plan', 'apply', 'destroy']), 'What Terraform ran', 'plan'),
  host: text('The machine that Terraform ran on', 'node-1'),
  tools: told(z.record(z.string(), z.string()), 'Versions of the tools used', {
    terraform: 'Terraform 1.11.4',
    libvirt: '0.8.3',
  }),
  requested_by: told(
    z.string().nullable(),
    'A username, or `operator NAME` for commands on the machine; null for the service itself',
    'mina',
  ),
  started_at: moment('When the run started'),
  finished_at: told(
    moment('').nullable(),
    'When the run ended; null while it is running, or if its worker died',
  ),
  exit_code: told(z.int().nullable(), 'Exit code of Terraform; null until the run ends', 0),
  phases: z
    .array(
      z.object({
        phase: text('Name of the phase, or address of the resource', 'plan'),
        start_ms: told(z.number(), 'Start, in milliseconds since the run started', 0),
        ms: told(z.number(), 'Duration in milliseconds', 280),
      }),
    )
    .meta({ description: 'Timings: the whole run first, then each resource' }),
  changes: z.array(resourceChange).meta({ description: 'The changes planned or made' }),
};

export const runList = answerSchema(
  'RunList',
  z.object({
    runs: z
      .array(answerSchema('Run', z.object(run), 'One plan, apply or destroy'))
      .meta({ description: 'The runs, newest first' }),
    next,
  }),
);

export const runDetail = answerSchema(
  'RunDetail',
  z.object({
    run: z
      .object({
        ...run,
        log: text('The log, without colours and secrets', 'No changes.\n'),
        plan_text: told(
          z.string().nullable(),
          'The plan as Terraform prints it; only for plans',
          'No changes.',
        ),
        plan: told(
          z.record(z.string(), z.unknown()).nullable(),
          'The plan in JSON, with secrets masked; only for plans',
          { format_version: '1.2' },
        ),
      })
      .meta({ description: 'The run, with its log and plan' }),
  }),
);

export const runLogPiece = answerSchema(
  'RunLogPiece',
  z.object({ text: text('Log output since the previous event', 'No changes.\n') }),
);

export const driftList = answerSchema(
  'DriftList',
  z.object({
    hostings: z
      .array(
        z.object({
          hosting_id: named('Hosting ID'),
          vm_name: vmName,
          vm_id: vmId,
          username: text('Username of the owner', 'mina'),
          ...lastCheck,
          asleep: told(
            z.boolean(),
            'Whether the hosting is asleep; it is checked again once it is awake',
            false,
          ),
        }),
      )
      .meta({ description: 'The hostings, oldest first' }),
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
      .meta({ description: 'Username of the owner of the planned hosting' }),
  }),
);

export const removeQuery = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: '`true` returns a plan of what would be removed, and removes nothing' }),
});

export const createQuery = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: '`true` returns a plan of what would be created, and creates nothing' }),
});

export const idParams = z.strictObject({
  id: z.guid(says('identifier_invalid')).meta({ description: 'The ID, as in lists and responses' }),
});
export const preferHeader = z.strictObject({ prefer });
export const pageQuery = z.strictObject(page());
