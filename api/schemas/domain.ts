/** Domains that users bring. */
import { z } from 'zod';
import { lowerAscii, readHostName } from '../../engine';
import { answerSchema, moment, requestSchema, text, told } from './components';
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
/** In an address it stands as the answers have it. */
export const domainParams = z.strictObject({
  domain: z
    .string()
    .max(253, says('domain_invalid'))
    .overwrite(lowerAscii)
    .regex(
      /^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$/,
      says('domain_invalid'),
    )
    .meta({ description: 'In its ASCII form', examples: ['www.example.org'] }),
});

export const domainView = answerSchema(
  'Domain',
  z.object({
    domain: text('In its ASCII form', 'www.example.org'),
    proved: told(z.boolean(), 'Only then it is served', true),
    url: text('The page under it', 'https://www.example.org/'),
    txt_record: z
      .object({
        name: text('Of the record', '_webhoster.www.example.org'),
        value: text('Of the record', 'f3c1a2b4d5e6'),
      })
      .meta({ description: 'Proves it' }),
    http_file: z
      .object({
        path: text('Of the file', '/.well-known/webhoster/f3c1a2b4d5e6'),
        content: text('Of the file', 'f3c1a2b4d5e6'),
      })
      .meta({ description: 'Proves it too, where the domain leads to now' }),
    created_at: moment('When it was added'),
  }),
  'A domain that a user brought',
);

export const oneDomain = answerSchema('OneDomain', z.object({ domain: domainView }));
export const domainList = answerSchema(
  'DomainList',
  z.object({ domains: z.array(domainView).meta({ description: 'All that the hosting has' }) }),
);
