/**
 * Every command block of the documents, as it stands, on a machine of its own: in the order in which somebody might come
 * to need them. What a block takes for granted (an account, a key on a stick, a machine that was lost) is brought about
 * between them. A block that is neither run here nor told to its reader as an example fails.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Block, commandBlocks } from '../support/docs/blocks';

const limitMs = 1_200_000;
jest.setTimeout(limitMs);

const root = path.join(__dirname, '../..');
const settings = 'IMAGE=micro VM_MEMORY_MIB=128 VM_DISK_GIB=1 EGRESS=none LOG_LEVEL=warn'.split(' ');

/** `doc.md 3` runs that block; anything else is brought about between them. */
type Scene = readonly [title: string, ...lines: string[]];

const password = 'correct horse battery';
const register = (name: string): string =>
  `curl -fsS localhost:8000/api/v1/auth/register -H 'Content-Type: application/json' -d '{"email":"${name}@example.org","password":"${password}","username":"${name}"}' >/dev/null`;
/** What libvirt has is still there. */
const lost = './scripts/stop.sh >/dev/null && rm -rf /var/lib/vm-webhoster';
const scenes: readonly Scene[] = [
  ['the first start', 'README.md 1', 'README.ko.md 1'],
  ['a first VM', 'README.md 3', 'README.ko.md 3'],
  ['accounts', register('somebody'), 'docs/accounts.md 1'],
  ['labels', register('juno'), 'docs/accounts.md 2'],
  ['the audit log', 'export TOKEN=$(token)', 'docs/accounts.md 3', 'docs/accounts.md 4'],
  ['completion', 'docs/cli.md 2', 'docs/cli.md 3', 'docs/cli.md 4'],
  ['backups', 'docs/operations.md 2', 'docs/operations.md 1'],
  [
    'a drill of a restore',
    'cp /var/lib/vm-webhoster/secrets/state_key /media/safe/vm-webhoster.state_key',
    'docs/operations.md 3',
  ],
  ['Nginx’s directory is lost', 'docs/operations.md 4'],
  ['the database is lost', 'docs/operations.md 5'],
  ['another state is wanted', 'docs/operations.md 6'],
  ['the doctor', 'docs/operations.md 12', 'docs/operations.md 13'],
  ['the checks', 'docs/development.md 3', 'docs/development.md 11'],
  ['DATA_DIR is lost', lost, 'docs/operations.md 8', 'docs/operations.md 9'],
  ['STATE_KEY is lost', lost, 'docs/operations.md 10'],
  // the node is another one after it, which no backup of before knows
  ['the database is lost, and there is no backup', 'docs/operations.md 7'],
  ['a new STATE_KEY', 'docs/operations.md 11'],
];

const blocks = new Map(commandBlocks().map((block) => [`${block.file} ${block.nth}`, block]));

it('every block is run, or tells its reader that it is an example', () => {
  const run = scenes.flatMap(([, ...lines]) => lines).filter((line) => blocks.has(line));
  const told = [...blocks].filter(([, { isExample }]) => isExample).map(([name]) => name);
  expect([...run, ...told].sort()).toEqual([...blocks.keys()].sort());
});

let scratch: string;
let ended: { code: number | null; said: string };
beforeAll(async () => {
  scratch = mkdtempSync('/var/tmp/webhoster-docs-');
  ended = await onOwnMachine(scriptOf());
}, limitMs);
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** Names each scene when it is over; ends with the first line that fails. */
function scriptOf(): string {
  const shells = { sh: 'bash -e', bash: 'bash -e', zsh: 'zsh -e', fish: 'fish' };
  const given = `printf '%s\\n' '${password}'`;
  const run = (line: string): string => {
    const block: Block | undefined = blocks.get(line);
    if (block === undefined) return line;
    const file = path.join(scratch, line.replaceAll('/', '_').replaceAll(' ', '-'));
    writeFileSync(file, block.text);
    return `echo "--- ${line}"; ${given} | ${shells[block.shell]} '${file}'`;
  };
  return [
    'set -euo pipefail',
    `printf '%s\\n' ${settings.join(' ')} >.env`,
    // as start.sh leaves it: the network of this machine leads nowhere
    'sha256sum package-lock.json | cut -c1-64 >node_modules/.lock-sha256',
    `token() { curl -fsS localhost:8000/api/v1/auth/login -d username=you@example.org --data-urlencode 'password=${password}' | node -p 'JSON.parse(require("fs").readFileSync(0)).access_token'; }`,
    ...scenes.flatMap(([title, ...lines]) => [...lines.map(run), `echo "=== ${title}"`]),
  ].join('\n');
}

function onOwnMachine(script: string): Promise<{ code: number | null; said: string }> {
  const file = path.join(scratch, 'scenes.sh');
  mkdirSync(path.join(scratch, 'machine'));
  writeFileSync(file, script);
  const cache = process.env.CACHE_DIR ?? '/var/cache/vm-webhoster';
  const own = '--mount --net --pid --fork --mount-proc --kill-child'.split(' ');
  const sandbox = path.join(root, 'test/support/docs/sandbox.sh');
  return new Promise((resolve, reject) => {
    const child = spawn(
      'unshare',
      [...own, sandbox, root, cache, path.join(scratch, 'machine'), 'bash', file],
      { env: { PATH: process.env.PATH, HOME: '/root', LANG: 'C.UTF-8' }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => (said += String(text)));
    child.once('error', reject);
    // what the service started holds the pipes for a moment longer
    child.once('exit', (code) => {
      resolve({ code, said });
    });
  });
}

it.each(scenes.map(([title]) => title))('%s', (title) => {
  const seen = ended.said.includes(`=== ${title}\n`);
  if (!seen) throw new Error(`not reached, or failed; the last that was said:\n${ended.said.slice(-3_000)}`);
});

it('and all of it ends well', () => {
  expect(ended.code).toBe(0);
});
