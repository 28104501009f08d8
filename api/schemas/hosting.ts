/** What a hosting is asked for with, and what it looks like. */
import { z } from 'zod';
import { hostingTroubles, spareStatuses } from '../../engine';
import { answerSchema, requestSchema, timestamp } from './components';
import { says } from './field-message';
import { failureView, operationView } from './operation';
import { wholeNumber } from './whole-number';

const SSH_KEY_MAX = 16 * 1024;

/** Names and values are shown in tables and used in commands: nothing that needs quoting. */
const labels = z
  .record(
    z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, says('label_invalid')),
    z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, says('label_invalid')),
  )
  .refine((given) => Object.keys(given).length <= 16, says('labels_too_many'))
  .meta({ description: 'To group hostings by', examples: [{ course: 'cs101' }] });

export const hostingRequest = requestSchema(
  'HostingRequest',
  z
    .strictObject({
      ssh_public_key: z
        .string()
        .max(SSH_KEY_MAX, { error: says('ssh_key_too_long'), abort: true })
        // One line break at the end is what `cat id_ed25519.pub` gives.
        .regex(/^[^\r\n\0]+\r?\n?$/, says('ssh_key_invalid'))
        .optional()
        .meta({
          description:
            'One OpenSSH public key. Without one, a key pair is made and the private key given once.',
        }),
      labels: labels.optional(),
    })
    .optional(),
);

export const prefer = z
  .string()
  .optional()
  .meta({
    description: '`wait=N` waits at most N seconds; `respond-async` answers 202 at once (RFC 7240).',
    examples: ['wait=30'],
  });

export const createHeaders = z.strictObject({
  prefer,
  'idempotency-key': z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, says('idempotency_key_invalid'))
    .optional()
    .meta({
      description: 'The same key again gives the answer of the first request instead of a second hosting.',
    }),
});

export const deleteHeaders = z.strictObject({ prefer });

/** As the last look found it. */
const hostingStatuses = [
  'creating',
  'running',
  'sleeping',
  'stopped',
  'deleting',
  'deleted',
  'failed',
  'ejected',
  ...hostingTroubles,
] as const;

const driftView = answerSchema(
  'Drift',
  z.object({
    found: z.boolean().meta({ description: 'What there is differs from what was specified' }),
    differences: z.array(z.string()).meta({ examples: [['libvirt_domain.vm: update (running)']] }),
    checked_at: timestamp.nullable().meta({ description: 'null before the first look that succeeded' }),
    look_failed: z.boolean().meta({ description: 'The newest look failed; what stands here is older' }),
    look_failure: failureView.nullable().meta({ description: 'Why it failed' }),
  }),
);

export const hostingView = answerSchema(
  'Hosting',
  z.object({
    id: z.string(),
    vm_id: z.string().meta({ examples: ['vm-1a2b3c4d'] }),
    vm_ip: z.string().meta({ examples: ['10.90.0.10'] }),
    ssh_port: z
      .number()
      .int()
      .meta({ examples: [10001] }),
    status: z.enum(hostingStatuses).meta({
      description:
        '`sleeping`: saved to the disk; its page or its SSH port wakes it. `off`, `paused`, `unreachable` and `lost` are ' +
        'found where it should run; `problem` says what to do',
    }),
    image: z.string(),
    memory_mib: z.number().int(),
    vcpus: z.number().int(),
    disk_gib: z.number().int(),
    labels: z.record(z.string(), z.string()),
    failure: failureView.nullable(),
    problem: z
      .string()
      .nullable()
      .meta({ description: 'What is wrong with a hosting that should run, and what to do about it' }),
    drift: driftView,
    created_at: timestamp,
    ready_at: timestamp.nullable(),
  }),
);

export const listedHostingView = answerSchema(
  'ListedHosting',
  hostingView
    .pick({ id: true, vm_id: true, status: true, labels: true, drift: true, created_at: true })
    .extend({
      username: z.string().meta({ description: '`-` where nobody owns it yet' }),
      status: z.enum([...hostingStatuses, ...spareStatuses]).meta({
        description: '`warming`, `spare` and `saved` are made ahead, and wait for an owner',
      }),
    }),
);

export const hostingList = answerSchema(
  'HostingList',
  z.object({
    hostings: z.array(listedHostingView),
    next: z.string().nullable().meta({ description: '`after` of the next page; null on the last' }),
  }),
);

/** What a list of names, separated by commas, may hold: names of VMs, ids, usernames. */
const nameList = /^[A-Za-z0-9-]{1,64}(,[A-Za-z0-9-]{1,64}){0,99}$/;
const labelList =
  /^[a-z][a-z0-9-]{0,31}=[A-Za-z0-9._-]{1,64}(,[a-z][a-z0-9-]{0,31}=[A-Za-z0-9._-]{1,64}){0,15}$/;

export const hostingQuery = z.strictObject({
  names: z
    .string()
    .regex(nameList, says('names_invalid'))
    .optional()
    .meta({
      description: 'VM names, hosting ids or usernames, separated by commas',
      examples: ['mina,vm-1a2b3c4d'],
    }),
  labels: z
    .string()
    .regex(labelList, says('label_invalid'))
    .optional()
    .meta({ description: 'Those with all of these labels', examples: ['course=cs101,term=spring'] }),
  older_than_seconds: wholeNumber(0, 3_200_000_000).optional(),
  after: z.guid(says('identifier_invalid')).optional().meta({ description: '`next` of the page before' }),
  limit: wholeNumber(1, 200).default(50),
});

/** The hosting and every way into it. */
const access = {
  hosting: hostingView,
  web_url: z.string().meta({ examples: ['http://localhost/1'] }),
  subdomain_url: z.string().meta({ description: 'Preferred: its own origin, apart from other users’ pages' }),
  ssh_command: z.string().meta({ examples: ['ssh -p 10001 ubuntu@localhost'] }),
  sftp_command: z.string(),
  known_hosts: z
    .array(z.string())
    .meta({ description: 'Lines for ~/.ssh/known_hosts; empty until the VM has been seen' }),
};

export const hostingAccess = answerSchema('HostingAccess', z.object(access));

export const createdHosting = answerSchema(
  'CreatedHosting',
  z.object({
    ...access,
    ssh_private_key: z
      .string()
      .optional()
      .meta({ description: 'Given exactly once, and only when no ssh_public_key was sent' }),
    operation: operationView,
  }),
);

export const wokenHosting = answerSchema(
  'WokenHosting',
  z.object({
    hosting: hostingView,
    operation: operationView.nullable().meta({ description: 'null when it was awake before' }),
  }),
);

export const removedHosting = answerSchema(
  'RemovedHosting',
  z.object({ hosting: hostingView, operation: operationView }),
);
