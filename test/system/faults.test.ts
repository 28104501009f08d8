/** Parts that go away while the service works: what was asked for still ends well, and the service comes back by itself. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';

jest.setTimeout(300_000);

/** From the moment that a part is back. */
const recoveryMs = 60_000;

let system: System;
let account: Account;
beforeAll(async () => {
  // the pool of one of them is so small that nothing is promised by it
  system = await startSystem('micro', { POOL_MIN_FREE_MIB: '0', NODE_DISK_OVERCOMMIT: '100' });
});
afterAll(() => system.close());
beforeEach(async () => {
  account = await system.newAccount();
});

async function accept(): Promise<HostAnswer> {
  const answer = await system.call('POST', '/host', {
    token: account.token,
    body: {},
    headers: { prefer: 'respond-async' },
  });
  expect(answer.status).toBe(202);
  return answer.body.data;
}

async function create(): Promise<{ status: number; code: string | undefined }> {
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  return { status: answer.status, code: answer.body.error?.code };
}

function remove(): Promise<unknown> {
  return system.call('DELETE', '/host/my', { token: account.token });
}

async function statusOf(operationId: string): Promise<string> {
  const [row] = await system.query<{ status: string }>(
    `SELECT status FROM operations WHERE id = '${operationId}'`,
  );
  return row?.status ?? '';
}

function stepRuns(operationId: string, step: string): Promise<void> {
  return until(60_000, `${step} runs`, async () => {
    const rows = await system.query(
      `SELECT 1 FROM operation_steps WHERE operation_id = '${operationId}' AND name = '${step}' AND status <> 'pending'`,
    );
    return rows.length > 0;
  });
}

function ends(operationId: string, timeoutMs: number): Promise<void> {
  return until(timeoutMs, 'the operation ends', async () =>
    /succeeded|failed|stuck/.test(await statusOf(operationId).catch(() => '')),
  );
}

/** Nothing of anything that does not live, by every source. @param found  what there is to be found all the same */
async function expectClean(found: readonly string[] = []): Promise<void> {
  const { code, stdout } = await system.tryWebhoster(['doctor', '--json']);
  const { findings } = JSON.parse(stdout) as { findings: { kind: string }[] };
  expect([code, findings.map(({ kind }) => kind)]).toEqual([found.length === 0 ? 0 : 1, found]);
}

function logLines(): string[] {
  return readFileSync(path.join(system.env.DATA_DIR ?? '', 'api.log'), 'utf8')
    .trim()
    .split('\n');
}

function entryOf(line: string): string {
  return (JSON.parse(line) as { msg: string }).msg;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it('outlives a database that is away for 30 s in the middle of a create', async () => {
  const { operation } = await accept();
  await stepRuns(operation.id, 'apply');
  const linesBefore = logLines().length;
  await system.webhoster('service', 'postgres-stop');
  const awayUntil = Date.now() + 30_000;
  const answers: [number, string | undefined][] = [];
  while (Date.now() < awayUntil) {
    const answer = await system.call('GET', '/host/my', { token: account.token });
    answers.push([answer.status, answer.body.error?.code]);
    await pause(3_000);
  }
  expect(new Set(answers.map(String))).toEqual(new Set(['503,database_unavailable']));
  await system.webhoster('service', 'postgres-start');
  await ends(operation.id, recoveryMs);
  expect(await statusOf(operation.id)).toBe('succeeded');
  const mine = await system.call('GET', '/host/my', { token: account.token });
  expect(mine.body.data.hosting.status).toBe('running');
  // one entry for each request that was refused, and a few of each part that noticed: a dozen reconcilers, two lanes of
  // the queue, the operation; the queue's library prints one trace for each of its eight workers
  const lines = logLines().slice(linesBefore);
  const entries = lines.filter((line) => line.startsWith('{')).map(entryOf);
  if (entries.length > answers.length + 60) throw new Error(`the log is flooded:\n${entries.join('\n')}`);
  expect(lines.length - entries.length).toBeLessThan(8 * 40);
  await remove();
  await expectClean();
});

it('outlives a restart of libvirtd in the middle of a create and of a delete', async () => {
  const { operation } = await accept();
  await stepRuns(operation.id, 'apply');
  await restartLibvirtd();
  await ends(operation.id, recoveryMs);
  expect(await statusOf(operation.id)).toBe('succeeded');
  const removal = await system.call('DELETE', '/host/my', {
    token: account.token,
    headers: { prefer: 'respond-async' },
  });
  await stepRuns(removal.body.data.operation.id, 'destroy');
  await restartLibvirtd();
  await ends(removal.body.data.operation.id, recoveryMs);
  expect(await statusOf(removal.body.data.operation.id)).toBe('succeeded');
  await expectClean();
});

it('says that there is no room when the pool is full, leaves nothing, and works again once there is', async () => {
  const pool = system.env.POOL_DIR ?? '';
  const free = fullPool(pool);
  try {
    expect(await create()).toEqual({ status: 507, code: 'disk_full' });
    await expectClean(['pool-full']);
    free.makeRoom();
    expect((await create()).status).toBe(201);
    await remove();
    await expectClean();
  } finally {
    free.close();
  }
});

it.each<[string, (dir: string, master: number) => unknown]>([
  ['was killed with its workers', (_, master) => process.kill(-master, 'SIGKILL')],
  ['had its file broken by hand', (dir) => writeFileSync(path.join(dir, 'nginx.conf'), 'broken {')],
])('brings back an Nginx that %s', async (_, damage) => {
  await create();
  const dir = path.join(system.env.DATA_DIR ?? '', 'nginx');
  const conf = readFileSync(path.join(dir, 'nginx.conf'), 'utf8');
  damage(dir, Number(readFileSync(path.join(dir, 'nginx.pid'), 'utf8')));
  await until(recoveryMs, 'the page is served again, from the right file', () =>
    Promise.resolve(
      page().includes('name="vm-webhoster"') && readFileSync(path.join(dir, 'nginx.conf'), 'utf8') === conf,
    ),
  );
  await remove();
});

it('takes a delete to its end when libvirtd comes back only after a while', async () => {
  await create();
  const start = await stopLibvirtd();
  const removal = await system.call('DELETE', '/host/my', {
    token: account.token,
    headers: { prefer: 'respond-async' },
  });
  try {
    await stepRuns(removal.body.data.operation.id, 'destroy');
    await pause(15_000);
  } finally {
    await start();
  }
  await ends(removal.body.data.operation.id, recoveryMs);
  expect(await statusOf(removal.body.data.operation.id)).toBe('succeeded');
  await expectClean();
});

function page(): string {
  try {
    return execFileSync('curl', ['-s', '--max-time', '10', `${system.web}/${account.userId}`]).toString();
  } catch {
    return '';
  }
}

/** A small file system over the pool's directory, with the same files in it, and full. */
function fullPool(pool: string): { makeRoom: () => void; close: () => void } {
  const aside = mkdtempSync('/var/lib/webhoster-test-aside-');
  const copy = (from: string, to: string): void => {
    for (const name of readdirSync(from)) {
      const { mode, uid, gid } = statSync(path.join(from, name));
      copyFileSync(path.join(from, name), path.join(to, name));
      execFileSync('chown', [`${uid}:${gid}`, path.join(to, name)]);
      execFileSync('chmod', [(mode & 0o777).toString(8), path.join(to, name)]);
    }
  };
  copy(pool, aside);
  const { mode, gid } = statSync(pool);
  execFileSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=96m,mode=${(mode & 0o777).toString(8)},gid=${gid}`,
    'tmpfs',
    pool,
  ]);
  copy(aside, pool);
  const filler = path.join(pool, 'filler');
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'], { stdio: 'ignore' });
  } catch {
    // it stops when there is no room any more
  }
  return {
    makeRoom: () => {
      rmSync(filler);
    },
    close: () => {
      execFileSync('umount', [pool]);
      rmSync(aside, { recursive: true });
    },
  };
}

async function restartLibvirtd(): Promise<void> {
  const start = await stopLibvirtd();
  await start();
}

/** VMs run on without it. @returns starts it again */
async function stopLibvirtd(): Promise<() => Promise<void>> {
  const answers = (): Promise<boolean> =>
    system.virsh('uri').then(
      () => true,
      () => false,
    );
  if (existsSync('/run/systemd/system')) {
    execFileSync('systemctl', [
      'stop',
      'libvirtd.socket',
      'libvirtd-ro.socket',
      'libvirtd-admin.socket',
      'libvirtd',
    ]);
    return async () => {
      execFileSync('systemctl', ['start', 'libvirtd']);
      await until(20_000, 'libvirtd answers', answers);
    };
  }
  const pid = Number(execFileSync('pidof', ['-s', 'libvirtd']).toString());
  const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  process.kill(pid, 'SIGTERM');
  await until(20_000, 'libvirtd is gone', async () => !(await answers()) && !existsSync(`/proc/${pid}/exe`));
  return async () => {
    // it was started as a daemon and becomes one again, with the same pid file
    execFileSync(program, args, { stdio: 'ignore' });
    await until(20_000, 'libvirtd answers', answers);
  };
}
