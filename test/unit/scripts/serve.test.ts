/** Nginx in a container of its own: how it ends, and how many workers it keeps. Nginx itself is a stand-in. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from '../../../engine/base/project';
import { until as untilAsync } from '../../support/until';

const until = (timeoutMs: number, what: string, probe: () => boolean): Promise<void> =>
  untilAsync(timeoutMs, what, () => Promise.resolve(probe()));
const isRoot = process.getuid?.() === 0;
let dir: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-serve-'));
  mkdirSync(path.join(dir, 'nginx/ssh'), { recursive: true });
  for (const name of ['nginx', 'nginx/ssh']) writeFileSync(path.join(dir, name, 'nginx.conf'), '');
});
afterEach(async () => {
  if (child?.exitCode === null && child.kill()) await once(child, 'exit');
  rmSync(dir, { recursive: true, force: true });
});

/** As the unit and the container have it. */
const rights = '-all,+chown,+dac_override,+kill,+net_bind_service,+setgid,+setuid';

/** @param masters  what each Nginx does, in shell; `$dir` is where its pid file goes */
function serve(masters: { pages: string; ssh: string }): ChildProcess {
  const program = path.join(dir, 'nginx-for-test');
  const script = `#!/bin/bash
    case "$*" in *daemon*) ;; *) exit 0 ;; esac
    dir=$2
    trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM
    echo $$ >"$dir/nginx.pid"
    if [ "\${dir##*/}" = ssh ]; then ${masters.ssh}; else ${masters.pages}; fi`;
  writeFileSync(program, script);
  chmodSync(program, 0o755);
  const argv = [path.join(projectRoot, 'deploy/docker/nginx/serve.sh'), path.join(dir, 'nginx')];
  const [first = '', ...rest] = isRoot
    ? ['setpriv', '--inh-caps=-all', `--bounding-set=${rights}`, 'sh', ...argv]
    : ['sh', ...argv];
  child = spawn(first, rest, { env: { ...process.env, NGINX_BIN: program }, stdio: 'ignore' });
  return child;
}

const goesOn = 'sleep 60 & wait';

it.each([
  ['pages', { pages: 'exit 3', ssh: goesOn }, 3],
  ['pages, later', { pages: 'sleep 1.3; exit 3', ssh: goesOn }, 3],
  ['SSH', { pages: goesOn, ssh: 'exit 4' }, 4],
])('ends when the one of %s does, and says how that ended', async (_, masters, status) => {
  const [code] = (await once(serve(masters), 'exit')) as [number];
  expect(code).toBe(status);
});

it('ends well when it is told to', async () => {
  const one = serve({ pages: goesOn, ssh: goesOn });
  await until(5_000, 'both run', () =>
    ['nginx', 'nginx/ssh'].every((name) => existsSync(path.join(dir, name, 'nginx.pid'))),
  );
  one.kill();
  expect(((await once(one, 'exit')) as [number])[0]).toBe(0);
});

it('keeps the workers of so many generations, also where it may not see where they work', async () => {
  const as = isRoot ? 'setpriv --reuid=www-data --regid=www-data --clear-groups' : '';
  const worker = `${as} bash -c 'exec -a "nginx: worker process is shutting down" sleep 60' &`;
  serve({ pages: goesOn, ssh: `for n in {1..40}; do ${worker} done; while :; do wait; sleep 1; done` });
  const draining = (): number =>
    childrenOf(readFileSync(path.join(dir, 'nginx/ssh/nginx.pid'), 'utf8').trim());
  await until(
    10_000,
    'all workers are there',
    () => existsSync(path.join(dir, 'nginx/ssh/nginx.pid')) && draining() === 40,
  );
  writeFileSync(path.join(dir, 'nginx/ssh/control'), 'reload\n');
  await until(10_000, 'the oldest are ended', () => draining() === 32);
});

function childrenOf(master: string): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      const isOne = readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(
        'nginx: worker process is shutting',
      );
      return isOne && readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === master;
    } catch {
      return false;
    }
  }).length;
}
