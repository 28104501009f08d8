/**
 * What people really paste into every field: taken, with what becomes of it, or refused with a text that says what to
 * do. docs/pasted.md is this list.
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { login, newPassword, registration } from '../../api/schemas/account';
import { domainRequest } from '../../api/schemas/domain';
import { hostingQuery, hostingRequest } from '../../api/schemas/hosting';
import { fieldMessages } from '../../api/messages';
import { tokenRequest } from '../../api/schemas/token';
import { readAge } from '../../cli/age';
import { readLabel } from '../../cli/label';
import { serviceUrl } from '../../cli/remote/client';
import { emailKey, loadConfig } from '../../engine';
import { makeKeyPair } from '../../engine/hostings';
import { removeScratch, scratchDir } from './engine/support';

afterAll(removeScratch);

const body = 'AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+';
const key = `ssh-ed25519 ${body}`;
const skEd25519 =
  'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+AAAABHNzaDo=';
const ecdsaPoint =
  'AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=';
const ecdsa = `ecdsa-sha2-nistp256 ${ecdsaPoint}`;

/** The same point as a token would have made it. */
function skEcdsa(): string {
  const fields = [
    Buffer.from('sk-ecdsa-sha2-nistp256@openssh.com'),
    Buffer.from('nistp256'),
    Buffer.from(ecdsaPoint, 'base64').subarray(39),
    Buffer.from('ssh:'),
  ];
  const wire = fields.map((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return Buffer.concat([length, field]);
  });
  return `sk-ecdsa-sha2-nistp256@openssh.com ${Buffer.concat(wire).toString('base64')}`;
}

function rsa(bits: number): string {
  const file = path.join(scratchDir(), `rsa-${bits}`);
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', String(bits), '-N', '', '-C', '', '-f', file]);
  return readFileSync(`${file}.pub`, 'utf8').trim();
}

const rsa2048 = rsa(2048);
const pem = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const ssh2 = `---- BEGIN SSH2 PUBLIC KEY ----
Comment: "256-bit ED25519, 민아의 노트북"
${body.slice(0, 40)}
${body.slice(40)}
---- END SSH2 PUBLIC KEY ----`;

type Outcome = { readonly becomes: string } | { readonly refused: RegExp };
type Line = readonly [what: string, pasted: string, outcome: Outcome];
const becomes = (text: string): Outcome => ({ becomes: text });
const refused = (says: RegExp): Outcome => ({ refused: says });

interface Field {
  /** What the service goes on with, or the message of the refusal. */
  read(pasted: string): { readonly taken: string } | { readonly told: string };
  readonly lines: readonly Line[];
}

/** By a schema of the API. */
function bySchema<T>(schema: z.ZodType<T>, around: (text: string) => unknown, pick: (value: T) => unknown) {
  return (pasted: string): ReturnType<Field['read']> => {
    const parsed = schema.safeParse(around(pasted));
    if (parsed.success) return { taken: String(pick(parsed.data)) };
    const message = parsed.error.issues[0]?.message ?? '';
    return {
      told: Object.hasOwn(fieldMessages, message) ? fieldMessages[message as 'required'].en : message,
    };
  };
}

/** By a function that throws what it tells. */
function byReader(read: (text: string) => unknown) {
  return (pasted: string): ReturnType<Field['read']> => {
    try {
      return { taken: String(read(pasted)) };
    } catch (thrown) {
      return { told: (thrown as Error).message };
    }
  };
}

const someone = { email: 'kim@example.org', password: 'correct horse battery', username: 'kim-x' };
const secrets = {
  POSTGRES_PASSWORD: 'Lp7Kx3Wq9Vb2Nd8Ym4Tc6Rg1Hs5Jf0ZaEuOiXw',
  JWT_SECRET: 'kq8Zt2vXw5Ly7Rb1Nc4Md6Pf9Hs3Jg0aTeUiOo',
  STATE_KEY: 'Zx1Cv2Bn3Mq4We5Rt6Yu7Io8Pa9Sd0FgHjKlQw',
};
const setting = (name: string) =>
  byReader((text) => loadConfig({ ...secrets, [name]: text })[name as 'NETWORK_CIDR']);

const fields: Readonly<Record<string, Field>> = {
  'SSH key': {
    read: bySchema(
      hostingRequest,
      (text) => ({ ssh_public_key: text }),
      (given) => given?.ssh_public_key,
    ),
    lines: [
      ['as it is in the .pub file', `${key} kim@laptop\n`, becomes(`${key} kim@laptop`)],
      ['from Windows', `${key} kim@DESKTOP-1\r\n`, becomes(`${key} kim@DESKTOP-1`)],
      ['without a comment', key, becomes(key)],
      ['with spaces before and tabs between', `  \tssh-ed25519\t${body}`, becomes(key)],
      ['with a comment of several words', `${key} my new laptop`, becomes(`${key} my-new-laptop`)],
      ['with a backslash', `${key} CORP\\mina`, becomes(`${key} CORP-mina`)],
      ['with Hangul', `${key} 민아의 노트북`, becomes(key)],
      ['with quotes and a semicolon', `${key} "x"; reboot`, becomes(`${key} x-reboot`)],
      ['with a template', `${key} \${file("/etc/passwd")}`, becomes(`${key} file-etc-passwd`)],
      ['in quotes', `"${key} kim@laptop"`, becomes(`${key} kim@laptop`)],
      ['with a byte order mark', `\ufeff${key}`, becomes(key)],
      ['from a web page, with hard spaces', `ssh-ed25519\u00a0${body}\u00a0kim`, becomes(`${key} kim`)],
      [
        'broken into lines',
        `ssh-ed25519 ${body.slice(0, 40)}\n${body.slice(40)} kim@x`,
        becomes(`${key} kim@x`),
      ],
      ['broken behind its type', `ssh-ed25519\n${body}\n`, becomes(key)],
      ['a file with a remark above', `# laptop\n\n${key}\n`, becomes(key)],
      ['of a token (FIDO)', `${skEd25519} yubi key`, becomes(`${skEd25519} yubi-key`)],
      ['of a token (FIDO, ecdsa)', skEcdsa(), becomes(skEcdsa())],
      ['ecdsa', `${ecdsa} kim`, becomes(`${ecdsa} kim`)],
      ['rsa of 2048 bits', rsa2048, becomes(rsa2048)],
      ['as PuTTYgen saves it', ssh2, becomes(key)],
      ['nothing', '  \n', refused(/omit it/)],
      ['rsa of 1024 bits', rsa(1024), refused(/2048 bits.*ssh-keygen/)],
      ['a private key', makeKeyPair('x').privateKey, refused(/private key.*ssh-keygen -y/)],
      ['a private key in PEM', pem.privateKey, refused(/private key/)],
      ['a public key in PEM', pem.publicKey, refused(/ssh-keygen -i/)],
      ['a .ppk file', 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n', refused(/PuTTYgen.*copy/)],
      ['its fingerprint', '256 SHA256:9cV3u2w0nVZ0q5ZC7bq0Kjv kim@laptop (ED25519)', refused(/fingerprint/)],
      ['its old fingerprint', `MD5:${'0f:'.repeat(15)}0f`, refused(/fingerprint/)],
      ['the name of the file', '~/.ssh/id_ed25519.pub', refused(/contents of the file/)],
      [
        'the name of the file on Windows',
        'C:\\Users\\mina\\.ssh\\id_ed25519.pub',
        refused(/contents of the file/),
      ],
      ['an address', 'https://github.com/mina.keys', refused(/contents of the file/)],
      ['two keys', `${key}\n${ecdsa}`, refused(/single key/)],
      ['with options', `command="id",no-pty ${key}`, refused(/must begin with the key type/)],
      ['a line of known_hosts', `[localhost]:10001 ${key}`, refused(/must begin with the key type/)],
      ['half of it', `ssh-ed25519 ${body.slice(0, 40)}`, refused(/copy it again/)],
      ['DSA', 'ssh-dss AAAAB3NzaC1kc3MAAACBAL', refused(/ssh-keygen -t ed25519/)],
      ['a certificate', `ssh-ed25519-cert-v01@openssh.com ${body}`, refused(/without -cert/)],
      ['something else', 'hunter2', refused(/id_ed25519\.pub/)],
    ],
  },
  'e-mail': {
    read: bySchema(
      registration,
      (email) => ({ ...someone, email }),
      (given) => given.email,
    ),
    lines: [
      ['plain', 'mina@example.com', becomes('mina@example.com')],
      ['with a space at the end', 'mina@example.com ', becomes('mina@example.com')],
      ['with a line break', 'mina@example.com\r\n', becomes('mina@example.com')],
      ['in capitals', 'Mina@EXAMPLE.com', becomes('Mina@example.com')],
      ['with a tag', 'mina+vm@example.com', becomes('mina+vm@example.com')],
      ['with an ampersand', 'a&b@example.com', becomes('a&b@example.com')],
      ['with an apostrophe', "o'neil@example.ie", becomes("o'neil@example.ie")],
      ['in Punycode', 'user@example.xn--3e0b707e', becomes('user@example.xn--3e0b707e')],
      ['with a domain in Hangul', 'user@예시.한국', becomes('user@xn--vv4b11d.xn--3e0b707e')],
      ['with the dot of a sentence', 'mina@example.com.', becomes('mina@example.com')],
      ['with the name before it', 'Mina Kim <mina@example.com>', refused(/nothing else/)],
      ['with a scheme', 'mailto:mina@example.com', refused(/nothing else/)],
      ['two', 'mina@example.com, juno@example.com', refused(/nothing else/)],
      ['in quotes', '"mina kim"@example.com', refused(/such as mina@example\.com/)],
      ['Hangul before the @', '민아@example.com', refused(/such as mina@example\.com/)],
      ['without a domain', 'mina', refused(/such as mina@example\.com/)],
      ['with a host name alone', 'mina@localhost', refused(/such as mina@example\.com/)],
    ],
  },
  'e-mail at login': {
    read: bySchema(
      login,
      (username) => ({ username, password: someone.password }),
      (given) => emailKey(given.username) ?? given.username,
    ),
    lines: [
      ['with a space at the end', 'mina@example.com ', becomes('mina@example.com')],
      ['with a domain in Hangul', 'user@예시.한국', becomes('user@xn--vv4b11d.xn--3e0b707e')],
      ['nothing', '', refused(/required/)],
    ],
  },
  password: {
    read: bySchema(
      newPassword,
      (text) => text,
      (given) => given,
    ),
    lines: [
      ['with spaces at its ends, which are part of it', ' correct horse ', becomes(' correct horse ')],
      ['in Hangul', '비밀번호는충분히길게', becomes('비밀번호는충분히길게')],
      ['with quotes', '"it\'s a long one"', becomes('"it\'s a long one"')],
      ['short', 'hunter2', refused(/at least 10/)],
      ['a common one', 'password123', refused(/choose another/)],
    ],
  },
  username: {
    read: bySchema(
      registration,
      (username) => ({ ...someone, username }),
      (given) => given.username,
    ),
    lines: [
      ['plain', 'mina-kim', becomes('mina-kim')],
      ['with a capital', 'Mina', becomes('mina')],
      ['with a space at the end', 'mina ', becomes('mina')],
      ['with a space within', 'mina kim', refused(/such as mina-kim/)],
      ['with an underscore', 'mina_kim', refused(/such as mina-kim/)],
      ['in Hangul', '민아', refused(/a-z/)],
      ['an e-mail', 'mina@example.com', refused(/a-z/)],
      ['a name of the service', 'Admin', refused(/choose another/)],
    ],
  },
  domain: {
    read: bySchema(
      domainRequest,
      (domain) => ({ domain }),
      (given) => given.domain,
    ),
    lines: [
      ['plain', 'www.example.org', becomes('www.example.org')],
      ['in capitals', 'WWW.Example.ORG', becomes('www.example.org')],
      ['with a dot at the end', 'www.example.org.', becomes('www.example.org')],
      ['with spaces around it', ' www.example.org\n', becomes('www.example.org')],
      ['with a scheme', 'https://www.example.org/', becomes('www.example.org')],
      ['in Hangul', 'www.예시.한국', becomes('www.xn--vv4b11d.xn--3e0b707e')],
      ['with a path', 'https://www.example.org/blog', refused(/no path/)],
      ['with a port', 'www.example.org:8080', refused(/port/)],
      ['an address', '192.0.2.7', refused(/address/)],
      ['a wildcard', '*.example.org', refused(/\*/)],
      ['two', 'example.org, www.example.org', refused(/single domain/)],
      ['with an underscore', 'my_site.example.org', refused(/such as www\.example\.org/)],
    ],
  },
  'name of a token': {
    read: bySchema(
      tokenRequest,
      (name) => ({ name, scopes: ['hosting:read'] }),
      (given) => given.name,
    ),
    lines: [
      ['of two words', 'backup script ', becomes('backup script')],
      ['in Hangul', '백업 스크립트', becomes('백업 스크립트')],
      ['spaces alone', '   ', refused(/1 to 64/)],
      ['two lines', 'a\nb', refused(/line breaks/)],
    ],
  },
  'names to list': {
    read: bySchema(
      hostingQuery,
      (names) => ({ names }),
      (given) => given.names,
    ),
    lines: [
      ['with spaces behind the commas', 'mina, juno', becomes('mina,juno')],
      ['with semicolons', 'mina; juno', refused(/separated by commas/)],
    ],
  },
  label: {
    read: byReader((text) => Object.entries(readLabel(text)).map((pair) => pair.join('='))),
    lines: [
      ['plain', 'course=cs101', becomes('course=cs101')],
      ['with spaces around it', ' course = cs101 ', becomes('course=cs101')],
      ['with a colon', 'course:cs101', refused(/name=value/)],
      ['with a capital', 'Course=cs101', refused(/a-z/)],
      ['with a value of two words', 'course=cs 101', refused(/letters, digits/)],
      ['without a value', 'course', refused(/name=value/)],
    ],
  },
  age: {
    read: byReader(readAge),
    lines: [
      ['hours', '12h', becomes('43200')],
      ['with a space', '12 h', becomes('43200')],
      ['in a word', '2 days', becomes('172800')],
      ['weeks', '2w', becomes('1209600')],
      ['two units', '1h30m', becomes('5400')],
      ['in capitals', '90D', becomes('7776000')],
      ['a number alone', '90', refused(/such as 30m, 12h, 90d/)],
      ['months', '3 months', refused(/such as/)],
      ['a date', '2026-01-31', refused(/such as/)],
      ['below nothing', '-1d', refused(/such as/)],
    ],
  },
  'address of a service': {
    read: byReader(serviceUrl),
    lines: [
      [
        'with the page of the interface',
        'https://hosting.example.org/docs',
        becomes('https://hosting.example.org'),
      ],
      ['with the path of the interface', 'http://localhost:8000/api/v1/', becomes('http://localhost:8000')],
      ['with a space at the end', 'http://localhost:8000 ', becomes('http://localhost:8000')],
      ['without a scheme', 'localhost:8000', refused(/such as http:\/\/localhost:8000/)],
      ['with a password', 'https://mina:secret@hosting.example.org', refused(/such as/)],
    ],
  },
  NETWORK_CIDR: {
    read: setting('NETWORK_CIDR'),
    lines: [
      ['plain', '10.91.0.0/24', becomes('10.91.0.0/24')],
      ['with a space at the end', '10.91.0.0/24 ', becomes('10.91.0.0/24')],
      ['an address of the network', '10.91.0.5/24', refused(/10\.91\.0\.0\/24/)],
      ['a mask', '10.91.0.0/255.255.255.0', refused(/\/16 to \/29/)],
      ['no size', '10.91.0.0', refused(/\/16 to \/29/)],
      ['too large', '10.0.0.0/8', refused(/\/16 to \/29/)],
    ],
  },
  EGRESS_ALLOW: {
    read: setting('EGRESS_ALLOW'),
    lines: [
      ['with spaces behind the commas', '192.168.7.0/24, 10.0.0.5', becomes('192.168.7.0/24,10.0.0.5')],
      ['a name', 'mirror.example.org', refused(/such as 192\.168\.7\.0\/24/)],
    ],
  },
};

const all = Object.entries(fields).flatMap(([field, { read, lines }]) =>
  lines.map(([what, pasted, outcome]) => ({ field, what, pasted, outcome, read })),
);

it('has what people paste into every field, well over 60 times', () => {
  expect(all.length).toBeGreaterThan(100);
});

it.each(all)('$field: $what', ({ pasted, outcome, read }) => {
  const found = read(pasted);
  if ('becomes' in outcome) expect(found).toEqual({ taken: outcome.becomes });
  else expect(found).toEqual({ told: expect.stringMatching(outcome.refused) });
});

it('every key that is taken is one for OpenSSH', () => {
  const file = path.join(scratchDir(), 'key.pub');
  for (const { outcome, field } of all) {
    if (field !== 'SSH key' || !('becomes' in outcome)) continue;
    writeFileSync(file, `${outcome.becomes}\n`);
    expect(execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' })).toMatch(/SHA256:/);
  }
});

it('docs/pasted.md is this list', () => {
  const file = path.join(__dirname, '../../docs/pasted.md');
  const cell = (text: string): string =>
    `\`${(text.length > 60 ? `${text.slice(0, 40)}…${text.slice(-15)}` : text)
      .replace(/[\n\r\t\ufeff\u00a0]/g, (sign) => ({ '\n': '⏎', '\r': '', '\t': '⇥' })[sign] ?? '␣')
      .replaceAll('|', '\\|')}\``;
  const made = Object.entries(fields).flatMap(([field, { read, lines }]) => [
    '',
    `## ${field}`,
    '',
    '| What | Sent | Becomes | Or: refused with |',
    '| --- | --- | --- | --- |',
    ...lines
      // keys that are made anew each time are told by their names
      .map(([what, pasted, outcome]) => {
        const found = read(pasted);
        const fresh = /private|rsa|PEM/i.test(what);
        const sent = fresh ? '…' : cell(pasted);
        if ('becomes' in outcome)
          return `| ${what} | ${sent} | ${fresh ? 'itself' : cell(outcome.becomes)} | |`;
        return `| ${what} | ${sent} | | ${'told' in found ? found.told.replaceAll('|', '\\|') : ''} |`;
      }),
  ]);
  const text = `# What people paste

What people type or paste into each field, and what the service does with it: the value that it uses, or the message with
which it refuses. \`test/unit/pasted.test.ts\` checks this list, and
\`UPDATE_DOCS=1 npx jest --selectProjects unit --testPathPatterns pasted\` writes this page.
${made.join('\n')}
`;
  if (process.env.UPDATE_DOCS === '1') writeFileSync(file, text);
  expect(readFileSync(file, 'utf8')).toBe(text);
});
