/** Many hostings taken down from a script, on real libvirt and Terraform: with one that will not go, and without a database. */
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type HostAnswer, startSystem, type System } from '../worlds/system';

jest.setTimeout(420_000);

const dir = (): string => system.env.DATA_DIR ?? '';
const pool = (): string => system.env.POOL_NAME ?? '';

let system: System;
beforeEach(async () => {
  system = await startSystem('micro');
});
afterEach(() => system.close());

async function create(labels: Record<string, string> = {}): Promise<HostAnswer & { username: string }> {
  const { token, username } = await system.newAccount();
  const answer = await system.call('POST', '/host', { token, body: { labels } });
  expect([answer.status, answer.body.message]).toEqual([201, expect.any(String)]);
  return { ...answer.body.data, username };
}

interface Summary {
  readonly gone: number;
  readonly left: number;
  readonly planned: number;
  readonly results: {
    vmName: string;
    result: string;
    reason: string | null;
    changes: { action: string }[];
  }[];
}

async function teardown(...args: string[]): Promise<{ code: number; summary: Summary }> {
  const { code, stdout } = await system.tryWebhoster(['teardown', '--yes', '--json', ...args]);
  return { code, summary: JSON.parse(stdout) as Summary };
}

async function left(): Promise<{ domains: string[]; volumes: string[] }> {
  const lines = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
  const uuid = /^[0-9a-f]{8}-/;
  const names = lines(await system.virsh('list', '--all', '--name'));
  const known = await system.query<{ name: string }>('SELECT vm_name AS name FROM hostings').catch(() => []);
  return {
    domains: names.filter((name) => known.some((each) => each.name === name)),
    volumes: lines(await system.virsh('vol-list', pool())).filter((line) => uuid.test(line)),
  };
}

it('takes down by name and by label, with the service running', async () => {
  const [one, two, three] = [await create({ course: 'a' }), await create({ course: 'b' }), await create()];
  expect((await teardown(one.username)).summary.gone).toBe(1);
  expect((await teardown('--label', 'course=b')).summary.gone).toBe(1);
  expect((await left()).domains).toEqual([three.hosting.vm_id]);
  expect((await teardown(three.hosting.vm_id, two.hosting.vm_id)).summary.gone).toBe(1);
  expect((await system.tryWebhoster(['doctor'])).code).toBe(0);
});

it('takes down without a database, from the workspaces alone', async () => {
  const made = [await create(), await create()];
  // there is a database that knows better
  expect((await system.tryWebhoster(['teardown', '--all', '--offline', '--yes'])).code).toBe(1);
  await system.stop();
  await system.webhoster('service', 'postgres-stop');
  rmSync(path.join(dir(), 'postgres'), { recursive: true });
  const planned = await teardown('--all', '--offline', '--dry-run');
  expect([planned.code, planned.summary.planned]).toEqual([0, 2]);
  const { code, summary } = await teardown('--all', '--offline');
  expect([code, summary.gone]).toEqual([0, 2]);
  const domains = await system.virsh('list', '--all', '--name');
  for (const { hosting } of made) expect(domains).not.toContain(hosting.vm_id);
  expect(await system.virsh('vol-list', pool())).not.toContain('cidata');
  // the node's own workspace stays, and with it a way to remove pool and network
  expect(readdirSync(path.join(dir(), 'workspaces'))).toHaveLength(1);
  await system.virsh('net-destroy', system.env.NETWORK_NAME ?? '');
  await system.virsh('net-undefine', system.env.NETWORK_NAME ?? '');
  await system.virsh('nwfilter-undefine', `${system.env.NETWORK_NAME ?? ''}-guests`);
  execFileSync('nft', ['delete', 'table', 'inet', `webhoster_${system.env.NETWORK_BRIDGE ?? ''}`]);
  await system.virsh('pool-destroy', pool());
  await system.virsh('pool-undefine', pool());
  rmSync(system.env.POOL_DIR ?? '', { recursive: true });
  rmSync(path.join(dir(), 'workspaces'), { recursive: true });
  await system.webhoster('service', 'postgres-start');
});
