/**
 * Every text of a user through everything that reads it again: it is refused by the API's own schema, or it comes out
 * as it went in. What a sink would have to bear if a schema were loosened is tried as well, with texts that no schema
 * lets through. Many texts share one process of each reader. `npm run test:injection` tries 10,000.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import pino from 'pino';
import { registration } from '../../api/schemas/account';
import { createHeaders, hostingRequest } from '../../api/schemas/hosting';
import { renderCloudInit } from '../../engine/machine/guest/cloud-init';
import { nginxModules } from '../../engine/machine/nginx/nginx-modules';
import { renderNginx } from '../../engine/machine/nginx/render';
import { parsePublicKey } from '../../engine/hostings';
import { renderStack } from '../../stacks/render';
import { hostile, likely, runs, sample, whole } from '../support/hostile';
import { openWorld } from '../worlds/world';
import { readSpec, xsltproc, readFixture } from '../unit/stacks/support';
import { domainXslt } from '../../stacks/xslt/domain';

jest.setTimeout(runs > 1000 ? 1_800_000 : 240_000);

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+';
const welcome = (username: string) => ({
  username,
  vmName: 'vm-1a2b3c4d',
  webUrl: 'http://localhost/7',
  subdomainUrl: `http://${username}.localhost/`,
  sshCommand: 'ssh -p 10001 ubuntu@localhost',
  sftpCommand: 'sftp -P 10001 ubuntu@localhost',
});
const cloudInit = (username: string, sshPublicKey: string) =>
  renderCloudInit({
    hostingId: '1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d',
    vmName: 'vm-1a2b3c4d',
    sshPublicKey,
    gateway: '10.90.0.1',
    welcome: welcome(username),
  });

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-injection-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** Reads with PyYAML, which cloud-init itself uses, and with Python's HTML parser. */
const readers = `
import base64, html.parser, json, sys, yaml
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True); self.stack = []; self.title = ''; self.tags = []
    def handle_starttag(self, tag, attrs): self.stack.append(tag); self.tags.append(tag)
    def handle_data(self, data):
        if self.stack and self.stack[-1] == 'title': self.title += data
    def handle_endtag(self, tag):
        while self.stack and self.stack.pop() != tag: pass
out = []
for text in json.load(sys.stdin):
    config = yaml.safe_load(text)
    page = Page(); page.feed(base64.b64decode(config['write_files'][0]['content']).decode())
    out.append({'keys': config['users'][0]['ssh_authorized_keys'], 'hostname': config['hostname'], 'names': sorted(config),
      'users': len(config['users']), 'title': page.title, 'tags': len(page.tags)})
json.dump(out, sys.stdout)
`;

interface Read {
  readonly keys: string[];
  readonly hostname: string;
  readonly names: string[];
  readonly users: number;
  readonly title: string;
  readonly tags: number;
}

function readBack(documents: readonly string[]): Read[] {
  const input = JSON.stringify(documents);
  const output = execFileSync('python3', ['-c', readers], { input, maxBuffer: 1 << 28, encoding: 'utf8' });
  return JSON.parse(output) as Read[];
}

it('usernames come out of cloud-init and the welcome page as they went in, whatever they are', () => {
  const names = sample(hostile).map(whole);
  const found = readBack(names.map((name) => cloudInit(name, key).userData));
  const [plain] = readBack([cloudInit('kim', key).userData]);
  // HTML has no NUL, and its parsers make one line break of every kind
  const inHtml = (text: string): string => text.replaceAll('\r\n', '\n').replaceAll('\r', '\n');
  found.forEach((each, index) => {
    expect(inHtml(each.title)).toBe(inHtml(`Hello, ${names[index] ?? ''}`));
    expect({ ...each, title: '' }).toEqual({ ...plain, title: '' });
  });
});

it('keys are refused, or stand in cloud-init with what is safe of their comments', () => {
  const keys = sample(
    fc.oneof(
      hostile,
      fc.tuple(likely(/^[A-Za-z0-9._@+-]{1,20}$/)).map(([comment]) => `${key} ${comment}`),
      fc.tuple(hostile).map(([options]) => `${options} ${key}`),
    ),
  );
  const accepted = keys.flatMap((text) => {
    if (!hostingRequest.safeParse({ ssh_public_key: text }).success) return [];
    try {
      return [{ text, parsed: parsePublicKey(text) }];
    } catch {
      return [];
    }
  });
  expect(accepted.length).toBeGreaterThan(runs / 20);
  const found = readBack(accepted.map(({ parsed }) => cloudInit('kim', parsed).userData));
  accepted.forEach(({ parsed }, index) => {
    expect([parsed, parsed.startsWith(key)]).toEqual([parsed, true]);
    expect(parsed.slice(key.length)).toMatch(/^( [A-Za-z0-9._@+-]{1,128})?$/);
    expect(found[index]?.keys).toEqual([parsed]);
    expect(parsed).toMatch(/^[\x20-\x7e]+$/);
  });
});

it('user data reaches Terraform’s resources as it is, or is refused before', () => {
  const spec = readSpec('hosting-disk');
  const passed: { text: string; variable: { type: string; default: string } }[] = [];
  for (const text of sample(hostile)) {
    try {
      const cloud = { ...spec.cloudInit, userData: text };
      const rendered = JSON.parse(renderStack({ ...spec, cloudInit: cloud })) as {
        variable: { user_data: { type: string; default: string } };
      };
      const { type, default: value } = rendered.variable.user_data;
      passed.push({ text, variable: { type, default: value } });
    } catch (error) {
      expect((error as Error).message).toMatch(/^cloudInit\.userData: /);
    }
  }
  expect(passed.length).toBeGreaterThan(runs / 10);
  for (let from = 0; from < passed.length; from += inOnePlan) {
    const some = passed.slice(from, from + inOnePlan);
    const planned = plannedOutputs(some.map(({ variable }) => variable));
    // Terraform knows text in Unicode's composed form only
    expect(planned).toEqual(some.map(({ text }) => text.normalize('NFC')));
  }
});

/** Terraform holds each variable against each other: many more take it minutes. */
const inOnePlan = 500;

/** What Terraform makes of variables as a stack declares them, by a plan of a workspace of their own. */
function plannedOutputs(variables: readonly object[]): string[] {
  const named = <T>(of: (index: number) => T): Record<string, T> =>
    Object.fromEntries(variables.map((_, index) => [`v${index}`, of(index)]));
  const configuration = {
    variable: named((index) => variables[index]),
    output: named((index) => ({ value: `\${var.v${index}}` })),
  };
  const cwd = mkdtempSync(path.join(dir, 'plan-'));
  writeFileSync(path.join(cwd, 'main.tf.json'), JSON.stringify(configuration));
  const env = { PATH: process.env.PATH, HOME: dir };
  const terraform = (...args: string[]): string =>
    execFileSync('terraform', args, { cwd, env, maxBuffer: 1 << 28, encoding: 'utf8' });
  terraform('init', '-no-color');
  terraform('plan', '-no-color', '-input=false', '-out=plan');
  const shown = JSON.parse(terraform('show', '-json', 'plan')) as {
    planned_values: { outputs: Record<string, { value: string }> };
  };
  return variables.map((_, index) => shown.planned_values.outputs[`v${index}`]?.value ?? '');
}

it('usernames are refused, or are one key of one map for Nginx', () => {
  const names = [...new Set(sample(likely(/^[a-z][a-z0-9-]{1,12}[a-z0-9]$/)))];
  const password = 'correct horse battery';
  const read = (username: string): string[] => {
    const parsed = registration.safeParse({ email: 'kim@example.org', password, username });
    return parsed.success ? [parsed.data.username] : [];
  };
  const accepted = [...new Set(names.flatMap(read))];
  expect(accepted.length).toBeGreaterThan(runs / 10);
  const settings = {
    dir,
    httpPort: 18_080,
    baseDomain: 'localhost',
    ...nginxModules(),
    user: null,
    api: null,
    apiUrl: 'http://localhost:8000',
  };
  for (const refused of names.filter((name) => !/^[a-z][a-z0-9-]{2,31}$/.test(name)))
    expect(() =>
      renderNginx(
        settings,
        [{ userId: 1, username: refused, ip: '10.0.0.2', sshPort: 10_000 }],
        '0'.repeat(16),
      ),
    ).toThrow('username does not fit');
  const routes = accepted.map((username, index) => ({
    userId: index + 1,
    username,
    ip: '10.0.0.2',
    sshPort: 10_000 + (index % 10_000),
  }));
  // ports repeat in the long run: nothing listens, the reader only reads
  const unique = routes.filter(
    ({ sshPort }, index) => routes.findIndex((each) => each.sshPort === sshPort) === index,
  );
  const file = path.join(dir, 'nginx.conf');
  writeFileSync(path.join(dir, 'service-headers.conf'), '');
  mkdirSync(path.join(dir, 'tmp'));
  writeFileSync(file, renderNginx(settings, unique, '0'.repeat(16)));
  const keys = new Map<string, number>();
  for (const line of execText(file)) {
    const [first = ''] = line.split(/\s+/, 1);
    keys.set(first, (keys.get(first) ?? 0) + 1);
  }
  for (const { username } of unique) expect([username, keys.get(`\\\\${username}`)]).toEqual([username, 1]);
});

let dumped: string[] | undefined;
/** What Nginx itself says it has read, in a network of its own: a test of a configuration opens its ports. */
function execText(file: string): string[] {
  dumped ??= execFileSync('unshare', ['--net', 'nginx', '-T', '-q', '-c', file, '-p', dir], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
    .split('\n')
    .map((line) => line.trim());
  return dumped;
}

it('specifications are refused, or stand in the domain as one attribute or text', () => {
  const spec = readSpec('hosting-limits');
  const input = readFixture('provider-domain.xml');
  const volume = '/pool/v.qcow2';
  const [plain] = [xsltproc(domainXslt(spec, volume), input)];
  const words = sample(likely(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/)).map(whole);
  let accepted = 0;
  for (const word of words) {
    const changed = { ...spec, node: { ...spec.node, filter: word } };
    try {
      renderStack(changed);
    } catch (error) {
      expect((error as Error).message).toMatch(/^node\.filter: /);
      continue;
    }
    // each is a process of its own: a tenth of them is enough where all are of one simple alphabet
    if (accepted++ % 10 !== 0) continue;
    expect(xsltproc(domainXslt(changed, volume), input)).toBe(plain.replace('webhoster-guests', word));
  }
  expect(accepted).toBeGreaterThan(runs / 10);
});

it('a log line stays one line, and gives every value back', () => {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const texts = sample(hostile);
  for (const text of texts) log.info({ user: text, deep: { [text]: text } }, text);
  expect(lines).toHaveLength(texts.length);
  lines.forEach((line, index) => {
    for (const control of ['\n', '\r', '\u001b']) expect(line.slice(0, -1)).not.toContain(control);
    const text = texts[index] ?? '';
    const read = JSON.parse(line) as { user: string; msg: string };
    expect([read.user, read.msg].map(whole)).toEqual([whole(text), whole(text)]);
  });
});

it('e-mails, labels and idempotency keys are refused, or are in the database as they were given', async () => {
  const world = await openWorld();
  try {
    const password = 'correct horse battery';
    const emails = sample(likely(/^[a-z0-9._+-]{1,10}@[a-z]{1,8}\.(org|com)$/));
    const labels = sample(fc.tuple(likely(/^[a-z][a-z0-9-]{0,9}$/), likely(/^[A-Za-z0-9._-]{1,20}$/)));
    const keys = sample(likely(/^[\x20-\x7e]{1,30}$/));
    const texts = [
      ...emails.filter((email) => registration.safeParse({ email, password, username: 'kim-x' }).success),
      ...keys.filter((value) => createHeaders.safeParse({ 'idempotency-key': value }).success),
    ];
    const given = labels.filter(
      ([name, value]) => hostingRequest.safeParse({ labels: Object.fromEntries([[name, value]]) }).success,
    );
    expect([texts.length, given.length].every((count) => count > runs / 20)).toBe(true);
    const { direct } = world.parts.database;
    const user = await world.newUser();
    for (const text of texts) {
      await direct.query(
        `INSERT INTO idempotency_keys (user_id, key, request_hash) VALUES ($1, $2, 'x') ON CONFLICT DO NOTHING`,
        [user.id, text],
      );
    }
    const rows: { key: string }[] = await direct.query(`SELECT key FROM idempotency_keys`);
    expect(new Set(rows.map((row) => row.key))).toEqual(new Set(texts));
    for (const [name, value] of given.slice(0, 200)) {
      const [row]: { labels: object }[] = await direct.query(`SELECT $1::jsonb AS labels`, [
        JSON.stringify({ [name]: value }),
      ]);
      expect(row?.labels).toEqual({ [name]: value });
    }
    expect(await direct.query(`SELECT count(*)::int AS n FROM users`)).toEqual([{ n: 1 }]);
  } finally {
    await world.close();
  }
});
