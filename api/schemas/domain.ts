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
    description: 'International domain names are accepted as written or in their xn-- form.',
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
    .meta({ description: 'The domain in its ASCII form', examples: ['www.example.org'] }),
});

export const domainView = answerSchema(
  'Domain',
  z.object({
    domain: text('The domain in its ASCII form', 'www.example.org'),
    proved: told(z.boolean(), 'Whether ownership has been proved; only proved domains are served', true),
    url: text('URL of the page at this domain', 'https://www.example.org/'),
    txt_record: z
      .object({
        name: text('Name of the record', '_webhoster.www.example.org'),
        value: text('Value of the record', 'f3c1a2b4d5e6'),
      })
      .meta({ description: 'The TXT record that proves ownership' }),
    http_file: z
      .object({
        path: text('Path of the file', '/.well-known/webhoster/f3c1a2b4d5e6'),
        content: text('Content of the file', 'f3c1a2b4d5e6'),
      })
      .meta({
        description:
          'Alternatively, the file that proves ownership, at the site that the domain leads to now',
      }),
    created_at: moment('When the domain was added'),
  }),
  'A custom domain of a user',
);

export const oneDomain = answerSchema('OneDomain', z.object({ domain: domainView }));
export const domainList = answerSchema(
  'DomainList',
  z.object({ domains: z.array(domainView).meta({ description: 'All domains of the hosting' }) }),
);
