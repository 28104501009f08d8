/** Labels of accounts. */
import { z } from 'zod';
import { lowerAscii } from '../../engine';
import { answerSchema, requestSchema, vmIdIfAny } from './components';
import { says } from './field-message';
import { labels } from './hosting';

export const userParams = z.strictObject({
  username: z
    .string()
    .max(64)
    .overwrite((typed) => lowerAscii(typed.trim()))
    .refine((value) => /^[a-z0-9.-]+$/.test(value), says('identifier_invalid'))
    .meta({ description: 'Username of the account', examples: ['mina'] }),
});

export const labelsRequest = requestSchema('LabelsRequest', z.strictObject({ labels }));

const shown = z.record(z.string(), z.string());

export const userLabels = answerSchema(
  'UserLabels',
  z.object({
    username: z.string().meta({ description: 'Username of the account', examples: ['mina'] }),
    labels: shown.meta({
      description: 'Labels of the account; every hosting of the user carries them, including future ones',
      examples: [{ course: 'cs101' }],
    }),
    vm_id: vmIdIfAny,
    vm_name: z
      .string()
      .nullable()
      .meta({
        description: 'VM name of the current hosting; null if there is none',
        examples: ['vm-1a2b3c4d'],
      }),
    hosting_labels: shown.nullable().meta({
      description: 'All labels of that hosting, including those that the user set',
      examples: [{ course: 'cs101', project: 'blog' }],
    }),
  }),
);
