/** What a hosting is asked for with, and what it looks like. */
import { z } from 'zod';
import { hostingTroubles, readPublicKey, spareStatuses } from '../../engine';
import { answerSchema, moment, named, requestSchema, text, told, whole } from './components';
import { says } from './field-message';
import { failureView, operationView } from './operation';
import { next, page } from './page';
import { wholeNumber } from './whole-number';

const SSH_KEY_MAX = 16 * 1024;

/** Names and values are shown in tables and used in commands: nothing that needs quoting. */
export const labels = z
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
        .superRefine((text, context) => {
          const read = readPublicKey(text);
          if ('problem' in read) context.addIssue({ code: 'custom', message: says(read.problem) });
        })
        .overwrite((text) => {
          const read = readPublicKey(text);
          return 'key' in read ? read.key : text;
        })
        .optional()
        .meta({
          description:
            'One OpenSSH public key, as its .pub file has it. Without one, a key pair is made and the private key given once. Of the comment, only letters, digits and . _ @ + - are kept.',
          examples: [
            'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+ mina@laptop',
          ],
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

const livingStatuses = ['creating', 'running', 'sleeping', 'stopped', 'deleting', ...spareStatuses] as const;
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

/** As the last look found it. */
const driftView = answerSchema(
  'Drift',
  z.object({
    found: told(z.boolean(), 'What there is differs from what was specified', true),
    differences: told(z.array(z.string()), 'What differs; empty where nothing does', [
      'libvirt_domain.vm: update (running)',
    ]),
    checked_at: told(moment('').nullable(), 'null before the first look that succeeded'),
    look_failed: told(z.boolean(), 'The newest look failed; what stands here is older', false),
    look_failure: failureView.nullable().meta({ description: 'Why it failed', examples: [null] }),
  }),
  'As the last look found it',
);

export const hostingView = answerSchema(
  'Hosting',
  z.object({
    id: named('Of the hosting'),
    vm_id: text('Name of the VM', 'vm-1a2b3c4d'),
    vm_ip: text('Address of the VM in the network of its node', '10.90.0.10'),
    ssh_port: whole('Port of SSH and SFTP at the host of the service', 10_001),
    status: z.enum(hostingStatuses).meta({
      description:
        '`sleeping`: saved to the disk; its page or its SSH port wakes it. `off`, `paused`, `unreachable` and `lost` are ' +
        'found where it should run; `problem` says what to do',
      examples: ['running'],
    }),
    image: text('What the VM was made from', 'debian-13'),
    memory_mib: whole('Memory in MiB', 1024),
    vcpus: whole('Processors', 1),
    disk_gib: whole('Size of the disk in GiB', 20),
    labels: told(z.record(z.string(), z.string()), 'What it is grouped by', { course: 'cs101' }),
    failure: failureView.nullable().meta({ description: 'null unless it failed', examples: [null] }),
    problem: z
      .string()
      .nullable()
      .meta({
        description:
          'What is wrong with a hosting that should run, and what to do about it; null where nothing is',
        examples: [null],
      }),
    drift: driftView,
    created_at: moment('When it was asked for'),
    ready_at: told(moment('').nullable(), 'When it first served its page; null before'),
  }),
  'A VM with its web route and its SSH port',
);

export const listedHostingView = answerSchema(
  'ListedHosting',
  hostingView
    .pick({ id: true, vm_id: true, status: true, labels: true, drift: true, created_at: true })
    .extend({
      username: text('Of its owner; `-` where nobody owns it yet', 'mina'),
      status: z.enum([...hostingStatuses, ...spareStatuses]).meta({
        description: '`warming`, `spare` and `saved` are made ahead, and wait for an owner',
        examples: ['running'],
      }),
    }),
);

export const hostingList = answerSchema(
  'HostingList',
  z.object({
    hostings: z.array(listedHostingView).meta({ description: 'The oldest first' }),
    next,
  }),
);

/** What a list of names, separated by commas, may hold: names of VMs, ids, usernames. */
const nameList = /^(user:)?[A-Za-z0-9-]{1,64}(,(user:)?[A-Za-z0-9-]{1,64}){0,99}$/;
const labelList =
  /^[a-z][a-z0-9-]{0,31}=[A-Za-z0-9._-]{1,64}(,[a-z][a-z0-9-]{0,31}=[A-Za-z0-9._-]{1,64}){0,15}$/;

/** As people write a list. */
const withoutSpace = (text: string): string => text.trim().replace(/ *, */g, ',');

export const hostingQuery = z.strictObject({
  names: z
    .string()
    .overwrite(withoutSpace)
    .regex(nameList, says('names_invalid'))
    .optional()
    .meta({
      description:
        'Hosting ids, VM names or usernames, separated by commas. What looks like an id or a VM name is one; `user:` before a username makes it that',
      examples: ['mina,vm-1a2b3c4d'],
    }),
  labels: z
    .string()
    .overwrite(withoutSpace)
    .regex(labelList, says('label_invalid'))
    .optional()
    .meta({ description: 'Those with all of these labels', examples: ['course=cs101,term=spring'] }),
  older_than_seconds: wholeNumber(0, 3_200_000_000)
    .optional()
    .meta({ description: 'Those made longer ago than this', examples: [86_400] }),
  status: z
    .enum(livingStatuses)
    .optional()
    .meta({
      description: 'Those that are in this state',
      examples: ['running'],
    }),
  ...page(),
});

/** The hosting and every way into it. */
const access = {
  hosting: hostingView,
  web_url: text('The page, by the number of its user', 'http://localhost/1/'),
  subdomain_url: text(
    'The page by name. Preferred: its own origin, apart from other users’ pages',
    'http://mina.localhost/',
  ),
  ssh_command: z.string().meta({
    description:
      'Expects the key that was made in a file of the VM’s name, your own where OpenSSH keeps it; `HostKeyAlias` keeps VMs apart that have the same port one after the other',
    examples: ['ssh -i ~/.ssh/vm-1a2b3c4d -o HostKeyAlias=vm-1a2b3c4d -p 10001 ubuntu@localhost'],
  }),
  sftp_command: z.string().meta({
    description: 'The same for SFTP; `put index.html /var/www/html/` changes the page',
    examples: ['sftp -i ~/.ssh/vm-1a2b3c4d -o HostKeyAlias=vm-1a2b3c4d -P 10001 ubuntu@localhost'],
  }),
  known_hosts: z.array(z.string()).meta({
    description:
      'Lines for ~/.ssh/known_hosts, under the port and under the VM’s name; empty until the VM has been seen. Where SSH says REMOTE HOST IDENTIFICATION HAS CHANGED: `ssh-keygen -R "[localhost]:10001"` forgets the VM that had the port before',
    examples: [['[localhost]:10001,vm-1a2b3c4d ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…']],
  }),
};

export const hostingAccess = answerSchema('HostingAccess', z.object(access));

export const createdHosting = answerSchema(
  'CreatedHosting',
  z.object({
    ...access,
    ssh_private_key: z
      .string()
      .optional()
      .meta({
        description: 'Given exactly once, and only when no ssh_public_key was sent',
        examples: ['-----BEGIN OPENSSH PRIVATE KEY-----\n…\n-----END OPENSSH PRIVATE KEY-----\n'],
      }),
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
