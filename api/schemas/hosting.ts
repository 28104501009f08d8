/** What a hosting is asked for with, and what it looks like. */
import { z } from 'zod';
import { hostingTroubles, readPublicKey, spareStatuses } from '../../engine';
import { answerSchema, moment, named, requestSchema, text, told, vmId, vmName, whole } from './components';
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
  .meta({ description: 'Labels, for grouping hostings', examples: [{ course: 'cs101' }] });

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
            'One OpenSSH public key, as in its .pub file. Without a key, a key pair is generated and the private key is returned once. Of the comment, only letters, digits and . _ @ + - are kept.',
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
    description: '`wait=N` waits at most N seconds; `respond-async` responds with 202 at once (RFC 7240).',
    examples: ['wait=30'],
  });

export const createHeaders = z.strictObject({
  prefer,
  'idempotency-key': z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/, says('idempotency_key_invalid'))
    .optional()
    .meta({
      description:
        'Repeating the key returns the response of the first request instead of creating a second hosting.',
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

/** What the last drift check of a hosting found. */
export const lastCheck = {
  differences: told(z.array(z.string()), 'The differences; empty if there are none', [
    'libvirt_domain.vm: update (running)',
  ]),
  checked_at: told(moment('').nullable(), 'When the last successful check ran; null before the first one'),
  look_failed: told(
    z.boolean(),
    'Whether the latest check failed; the other values are then of an earlier one',
    false,
  ),
  look_failure: failureView.nullable().meta({ description: 'Why the latest check failed', examples: [null] }),
};

const driftView = answerSchema(
  'Drift',
  z.object({
    found: told(z.boolean(), 'Whether the hosting differs from its specification', true),
    ...lastCheck,
  }),
  'The result of the last drift check',
);

export const hostingView = answerSchema(
  'Hosting',
  z.object({
    id: named('Hosting ID'),
    vm_name: vmName,
    vm_id: vmId,
    vm_ip: text('IP address of the VM in the network of its node', '10.90.0.10'),
    ssh_port: whole('Port for SSH and SFTP on the host of the service', 10_001),
    status: z.enum(hostingStatuses).meta({
      description:
        '`sleeping`: saved to disk; a visit to its page or its SSH port wakes it. `off`, `paused`, `unreachable` and ' +
        '`lost`: the VM should be running but is not; `problem` says what to do',
      examples: ['running'],
    }),
    image: text('The image that the VM was created from', 'debian-13'),
    memory_mib: whole('Memory in MiB', 1024),
    vcpus: whole('Number of virtual CPUs', 1),
    disk_gib: whole('Disk size in GiB', 20),
    labels: told(z.record(z.string(), z.string()), 'The labels of the hosting', { course: 'cs101' }),
    failure: failureView
      .nullable()
      .meta({ description: 'Why the hosting failed; null unless it did', examples: [null] }),
    problem: z
      .string()
      .nullable()
      .meta({
        description:
          'What is wrong with a hosting that should be running, and what to do about it; null if nothing is wrong',
        examples: [null],
      }),
    drift: driftView,
    created_at: moment('When the hosting was requested'),
    ready_at: told(moment('').nullable(), 'When the hosting first served its page; null before that'),
  }),
  'A VM with its web route and SSH port',
);

export const listedHostingView = answerSchema(
  'ListedHosting',
  hostingView
    .pick({ id: true, vm_name: true, vm_id: true, status: true, labels: true, drift: true, created_at: true })
    .extend({
      username: text('Username of the owner; `-` if the hosting has no owner yet', 'mina'),
      status: z.enum([...hostingStatuses, ...spareStatuses]).meta({
        description: '`warming`, `spare` and `saved`: created in advance, waiting for an owner',
        examples: ['running'],
      }),
    }),
);

export const hostingList = answerSchema(
  'HostingList',
  z.object({
    hostings: z.array(listedHostingView).meta({ description: 'The hostings, oldest first' }),
    next,
  }),
);

/** A list of names, separated by commas: VM names, hosting IDs, usernames. */
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
        'Hosting IDs, VM names or usernames, separated by commas. Anything that looks like an ID or a VM name is read as one; prefix a username with `user:` to prevent that',
      examples: ['mina,vm-1a2b3c4d'],
    }),
  labels: z
    .string()
    .overwrite(withoutSpace)
    .regex(labelList, says('label_invalid'))
    .optional()
    .meta({
      description: 'Only hostings with all of these labels',
      examples: ['course=cs101,term=spring'],
    }),
  older_than_seconds: wholeNumber(0, 3_200_000_000)
    .optional()
    .meta({ description: 'Only hostings created longer ago than this', examples: [86_400] }),
  status: z
    .enum(livingStatuses)
    .optional()
    .meta({
      description: 'Only hostings in this state',
      examples: ['running'],
    }),
  ...page(),
});

/** The hosting and every way into it. */
const access = {
  hosting: hostingView,
  web_url: text('URL of the page, by user ID', 'http://localhost/1/'),
  subdomain_url: text(
    'URL of the page, by username. Preferred: it has its own origin, separate from other users’ pages',
    'http://mina.localhost/',
  ),
  ssh_command: z.string().meta({
    description:
      'Expects a generated key in a file named after the VM, and your own key where OpenSSH keeps it. `HostKeyAlias` tells VMs apart that use the same port one after another',
    examples: ['ssh -i ~/.ssh/vm-1a2b3c4d -o HostKeyAlias=vm-1a2b3c4d -p 10001 ubuntu@localhost'],
  }),
  sftp_command: z.string().meta({
    description: 'The same for SFTP; `put index.html /var/www/html/` replaces the page',
    examples: ['sftp -i ~/.ssh/vm-1a2b3c4d -o HostKeyAlias=vm-1a2b3c4d -P 10001 ubuntu@localhost'],
  }),
  known_hosts: z.array(z.string()).meta({
    description:
      'Lines for ~/.ssh/known_hosts, by port and by VM name; empty until the host keys of the VM are known. If SSH reports REMOTE HOST IDENTIFICATION HAS CHANGED, `ssh-keygen -R "[localhost]:10001"` removes the key of the VM that had the port before',
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
        description: 'Returned exactly once, and only if no ssh_public_key was sent',
        examples: ['-----BEGIN OPENSSH PRIVATE KEY-----\n…\n-----END OPENSSH PRIVATE KEY-----\n'],
      }),
    operation: operationView,
  }),
);

export const wokenHosting = answerSchema(
  'WokenHosting',
  z.object({
    hosting: hostingView,
    operation: operationView.nullable().meta({ description: 'null if the hosting was already awake' }),
  }),
);

export const removedHosting = answerSchema(
  'RemovedHosting',
  z.object({ hosting: hostingView, operation: operationView }),
);
