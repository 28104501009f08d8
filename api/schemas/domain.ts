/** Domains that users bring. */
import { z } from 'zod';
import { readHostName } from '../../engine';
import { answerSchema, requestSchema, timestamp } from './components';
import { says } from './field-message';

/** What is a domain at all; which ones may be brought, the engine knows. */
const name = z
  .string()
  .max(300, { error: says('domain_invalid'), abort: true })
  .overwrite((typed) => readHostName(typed) ?? typed)
  .refine((value) => readHostName(value) === value, says('domain_invalid'))
  .meta({
    pattern: '^\\s*([Hh][Tt][Tt][Pp][Ss]?://)?[^\\s/@:*]+\\.[^\\s/@:*]+/?\\s*$',
    description: 'An international one may come as it is read, or in its xn-- form.',
    examples: ['www.example.org'],
  });

export const domainRequest = requestSchema('DomainRequest', z.strictObject({ domain: name }));
export const domainParams = z.strictObject({ domain: name });

export const domainView = answerSchema(
  'Domain',
  z.object({
    domain: z.string().meta({ examples: ['www.example.org'] }),
    proved: z.boolean().meta({ description: 'Only then it is served' }),
    url: z.string(),
    txt_record: z.object({ name: z.string(), value: z.string() }).meta({ description: 'Proves it' }),
    http_file: z
      .object({ path: z.string(), content: z.string() })
      .meta({ description: 'Proves it too, where the domain leads to now' }),
    created_at: timestamp,
  }),
);

export const oneDomain = answerSchema('OneDomain', z.object({ domain: domainView }));
export const domainList = answerSchema('DomainList', z.object({ domains: z.array(domainView) }));
