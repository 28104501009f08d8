/** What the service and its scripts write, walked through: nobody else reads it, but for what others must read, by name. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadConfig } from '../../engine/base/config';
import { createLog } from '../../engine/base/log';
import { connectParts } from '../../engine/start';
import { allRoutes } from '../../engine/store/routes';
import { cloneDatabase, freePort } from '../support/postgres';
import { strongSecrets } from '../worlds/fake-parts';
import { openWorld } from '../worlds/world';

jest.setTimeout(60_000);

const root = path.join(__dirname, '../..');
let dir: string;
beforeEach(() => {
  dir = path.join(mkdtempSync(path.join(tmpdir(), 'webhoster-modes-')), 'data');
});
afterEach(() => {
  rmSync(path.dirname(dir), { recursive: true, force: true });
});

/** Everything below with its mode, e.g. `secrets/state_key 600`. */
function modes(top: string, below = ''): string[] {
  return readdirSync(path.join(top, below), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(below, entry.name);
    const mode = (statSync(path.join(top, name)).mode & 0o777).toString(8);
    return [`${name} ${mode}`, ...(entry.isDirectory() ? modes(top, name) : [])];
  });
}
/** Those that somebody else can read or write. */
const openOnes = (all: readonly string[]): string[] => all.filter((each) => !/ [0-7]00$/.test(each));

it('scripts create directories and secrets that only their owner can read, whatever the umask', () => {
  const script = `umask 000; set -euo pipefail; ROOT=${root}; DATA_DIR=${dir}; CACHE_DIR=${dir}-cache; RUN_DIR=$DATA_DIR/run
    . ${root}/scripts/lib/environment.sh; . ${root}/scripts/lib/directories.sh
    do_directories; before=$(cat "$DATA_DIR"/secrets/*); do_directories; [ "$before" = "$(cat "$DATA_DIR"/secrets/*)" ]
    ! need_directories`;
  execFileSync('bash', ['-c', script]);
  const all = modes(dir);
  expect(all.filter((each) => each.startsWith('secrets/')).sort()).toEqual([
    'secrets/jwt_secret 600',
    'secrets/metrics_token 600',
    'secrets/postgres_password 600',
    'secrets/state_key 600',
  ]);
  expect(openOnes(all)).toEqual([]);
  // others pass through, and see nothing
  expect((statSync(dir).mode & 0o777).toString(8)).toBe('711');
  // and they are secrets that the service starts with
  const files = ['JWT_SECRET', 'STATE_KEY', 'POSTGRES_PASSWORD', 'METRICS_TOKEN'];
  const env = Object.fromEntries(
    files.map((name) => [`${name}_FILE`, path.join(dir, 'secrets', name.toLowerCase())]),
  );
  const config = loadConfig(env);
  expect(
    new Set([config.JWT_SECRET, config.STATE_KEY, config.POSTGRES_PASSWORD, config.METRICS_TOKEN]).size,
  ).toBe(4);
  expect(config.STATE_KEY).toBe(readFileSync(env['STATE_KEY_FILE']!, 'utf8').trim());
});

it('the engine makes nothing readable but what Nginx serves, whatever the umask', async () => {
  const before = process.umask(0o000);
  try {
    const config = loadConfig({
      ...strongSecrets,
      ...{
        NODE_ENV: 'test',
        DATA_DIR: dir,
        DATABASE_URL: await cloneDatabase(),
        BCRYPT_COST: '4',
        IMAGE: 'micro',
      },
      ...{ HTTP_PORT: String(await freePort()), SSH_PORT_MIN: '10000', SSH_PORT_MAX: '10049' },
    });
    execFileSync('install', ['-d', '-m', '0711', dir]);
    const { parts, bus } = await connectParts(config, createLog('silent'));
    await parts.proxy.publish(await allRoutes(parts.database.direct)).catch(() => undefined);
    await bus.close();
    await parts.database.close();
    const pidFile = path.join(dir, 'nginx/nginx.pid');
    const all = modes(dir);
    expect(all.length).toBeGreaterThan(5);
    // the way to the pages and the pages: nothing in them is of anybody's
    const mustRead = /^(nginx|nginx\/pages(\/.*)?|nginx\/tmp(\/.*)?) [0-7]{3}$/;
    // Nginx opens its sockets to all; nobody else gets to this one
    const closed = /^nginx\/ssh\/generation\.sock /;
    expect(all).toContain('nginx/ssh 700');
    const reachable = all.filter((each) => !closed.test(each));
    expect(openOnes(reachable).filter((each) => !mustRead.test(each))).toEqual([]);
    expect(reachable.filter((each) => / [0-7][0-7][2367]$/.test(each))).toEqual([]);
    for (const file of [pidFile, path.join(dir, 'nginx/ssh/nginx.pid')])
      process.kill(Number(readFileSync(file, 'utf8')), 'SIGQUIT');
  } finally {
    process.umask(before);
  }
});

it('nobody else can read a hosting’s workspace with its state and plan', async () => {
  const world = await openWorld();
  try {
    const { hosting } = await world.engine.hostings.create(await world.newUser(), {});
    await world.work(hosting.id);
    const all = modes(world.config.DATA_DIR);
    expect(all.filter((each) => each.startsWith('workspaces/')).length).toBeGreaterThan(1);
    expect(openOnes(all)).toEqual([]);
  } finally {
    await world.close();
  }
});
