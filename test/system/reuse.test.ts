/** What a hosting leaves for the next one that gets its address, its port and its name: nothing. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { openShell } from '../support/shell';
import { claimedSpare } from '../support/spares';
import { type Account, type HostAnswer, startSystem, type System } from '../worlds/system';

jest.setTimeout(600_000);
const run = promisify(execFile);

let system: System;
let account: Account;
beforeAll(async () => {
  system = await startSystem('micro', { REQUEST_WAIT_SECONDS: '380' });
});
afterAll(() => system?.close());
beforeEach(async () => {
  account = await system.newAccount();
});

async function made(): Promise<HostAnswer> {
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  return answer.body.data;
}

/** Files of the pool that hold the text, whatever made them. */
function holding(text: string): Promise<string[]> {
  const pool = system.env.POOL_DIR ?? '';
  return filesHolding(
    text,
    readdirSync(pool).map((name) => path.join(pool, name)),
  );
}

async function filesHolding(text: string, files: readonly string[]): Promise<string[]> {
  const found = await run('grep', ['-laF', text, ...files]).catch(
    (thrown: { code: number; stdout: string }) => {
      if (thrown.code !== 1) throw thrown;
      return { stdout: '' };
    },
  );
  return found.stdout.split('\n').filter((line) => line !== '');
}

const pageStatus = async (): Promise<number> => (await fetch(`${system.web}/${account.userId}`)).status;

it.each([
  ['a VM that is made for its user', made],
  ['a VM that waited for one', () => claimedSpare(system, made)],
])(
  'gives address, port and path of %s again with a new host key, and nothing of its disk',
  async (_, create) => {
    const canary = `canary-${randomBytes(16).toString('hex')}`;
    const first = await create();
    const shell = openShell(first);
    try {
      // as a file, and in blocks of a file that was removed again
      await shell.ssh(
        `for i in 1 2 3 4 5 6 7 8; do echo ${canary}; done > /var/www/html/index.html; ` +
          `yes ${canary} | head -c 2000000 > /tmp/removed; sync; rm /tmp/removed; sync`,
      );
    } finally {
      shell.close();
    }
    expect(await holding(canary)).toEqual([expect.stringContaining(first.hosting.id)]);
    expect(await (await fetch(`${system.web}/${account.userId}`)).text()).toContain(canary);

    expect((await system.call('DELETE', '/host/my', { token: account.token })).status).toBe(200);
    expect(await pageStatus()).toBe(404);
    expect(await holding(canary)).toEqual([]);

    const second = await create();
    expect([second.hosting.vm_ip, second.hosting.ssh_port]).toEqual([
      first.hosting.vm_ip,
      first.hosting.ssh_port,
    ]);
    expect(second.hosting.id).not.toBe(first.hosting.id);
    const keys = ({ known_hosts: lines }: HostAnswer) =>
      lines.map((line) => line.split(' ').slice(1).join(' '));
    expect(keys(second)).toHaveLength(keys(first).length);
    for (const key of keys(first)) expect(keys(second)).not.toContain(key);
    expect(await holding(canary)).toEqual([]);
    const next = openShell(second);
    try {
      // all that the guest can read of its disk, base image and free blocks too
      const { POOL_DIR = '', DATA_DIR = '' } = system.env;
      const [volume, raw] = [
        path.join(POOL_DIR, `${second.hosting.id}.qcow2`),
        path.join(DATA_DIR, 'disk.raw'),
      ];
      await run('qemu-img', ['convert', '--force-share', '-O', 'raw', volume, raw]);
      expect(await filesHolding(canary, [raw])).toEqual([]);
      expect(await filesHolding(second.hosting.vm_id, [raw])).toEqual([raw]);
      // the key of the first one opens nothing
      const old = openShell({ ...second, ssh_private_key: first.ssh_private_key });
      await expect(old.ssh('true')).rejects.toThrow('Permission denied');
      old.close();
    } finally {
      next.close();
    }
    expect((await system.call('DELETE', '/host/my', { token: account.token })).status).toBe(200);
  },
);
