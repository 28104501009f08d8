/** Texts that mean something to a reader which takes data for language, and texts that are near to what is allowed. */
import fc from 'fast-check';

export const runs = Number(process.env.INJECTION_RUNS ?? 250);
const seed = Number(process.env.INJECTION_SEED ?? 20_261_122);

/** Made in the working directory by a shell that takes one of these for its own. */
export const canary = 'webhoster-canary';

const attacks = [
  ...[
    '${file("/etc/passwd")}',
    '%{ if true }x%{ endif }',
    '${TfToken[TOKEN.0]}',
    '$${x}',
    '{{username}}',
    '{{{x}}}',
  ],
  ...[
    "'; DROP TABLE users; --",
    '\\',
    '\\n',
    '\n',
    '\r\n',
    '\t',
    '\0',
    '\u2028',
    '\u0085',
    '\ufeff',
    '\u202e',
    '\ud800',
  ],
  ...[
    '$(id)',
    '`id`',
    '; reboot',
    '&& id',
    '| sh',
    '../../etc/passwd',
    '%0a',
    '%00',
    '#',
    ': ',
    '- ',
    '? ',
    '|\n  x',
  ],
  ...[
    `$(>${canary})`,
    `\`>${canary}\``,
    `'$(>${canary})'`,
    `;>${canary};`,
    `\n>${canary}\n`,
    `END\n>${canary}\n`,
  ],
  ...[
    'no',
    'NULL',
    '~',
    '0o17',
    '0x1f',
    '1:30',
    '1e3',
    '2001-01-01',
    '!!python/object/apply:os.system [id]',
    '&a *a',
  ],
  ...[
    '<script>alert(1)</script>',
    '"><img src=x>',
    '&lt;',
    ']]>',
    '<!--',
    '<xsl:value-of select="/"/>',
    '{$x}',
  ],
  ...['default', 'include', 'hostnames', 'volatile', '~^.*$', '; } server { listen 1; }', '$host', '\\$host'],
  ...[
    'command="id" ',
    'ssh-ed25519 ',
    'no-pty',
    '"level":60',
    '\u001b[2J',
    'EOF',
    '--boundary',
    '#cloud-config',
  ],
];

const piece = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...attacks) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/) },
);
export const hostile = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''));

/** Near enough to what is allowed that some of it passes. */
export const likely = (pattern: RegExp): fc.Arbitrary<string> =>
  fc.oneof(
    fc.stringMatching(pattern),
    fc.tuple(fc.stringMatching(pattern), hostile).map(([a, b]) => a + b),
    hostile,
  );

export const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns = runs): T[] =>
  fc.sample(arbitrary, { numRuns, seed });

/** As a reader of bytes sees it: half a surrogate pair is no text. */
export const whole = (text: string): string => Buffer.from(text).toString();
