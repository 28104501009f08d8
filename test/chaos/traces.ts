/** What hostings leave on the machine, in the forms that an operator would look at. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Pool } from 'pg';
import type { System } from '../worlds/system';
import { emulators, processesIn } from './processes';

export interface Hosting {
  readonly id: string;
  readonly vmName: string;
  readonly userId: number;
  readonly username: string;
}

interface Place {
  readonly system: System;
  readonly database: Pool;
}

/** Everything that is there of one hosting; nothing when it is cleanly gone. */
export async function tracesOf({ system, database }: Place, hosting: Hosting): Promise<string[]> {
  const { id, vmName, userId, username } = hosting;
  const [domains, volumes, rows] = await Promise.all([
    lines(system.virsh('list', '--all', '--name')),
    volumesOf(system),
    database.query<{ what: string }>(
      `SELECT 'SSH port ' || port AS what FROM ssh_ports WHERE hosting_id = $1
       UNION ALL SELECT 'address ' || host(ip) FROM address_leases WHERE hosting_id = $1
       UNION ALL SELECT 'route row' FROM routes WHERE hosting_id = $1
       UNION ALL SELECT 'stack row' FROM stacks WHERE id = $1`,
      [id],
    ),
  ]);
  const workspace = path.join(system.env.DATA_DIR ?? '', 'workspaces', id);
  const named = new RegExp(`^${userId} |\\b${username}\\W`);
  const routed = nginxLines(system).filter((line) => named.test(line));
  return [
    ...domains.filter((name) => name === vmName).map((name) => `domain ${name}`),
    ...emulators()
      .filter(({ args }) => args.join(' ').includes(id))
      .map(({ pid }) => `emulator ${pid}`),
    ...volumes
      .filter((name) => name.includes(id))
      .map((name) => `${name.endsWith('.iso') ? 'ISO' : 'volume'} ${name}`),
    ...routed.map((line) => `Nginx route ${line}`),
    ...rows.rows.map(({ what }) => what),
    ...(existsSync(workspace) ? ['workspace'] : []),
    ...processesIn(workspace).map(({ pid, program }) => `process ${pid} ${program}`),
  ];
}

/** Everything that is there of all hostings of this system, whoever they belong to. */
export async function allTraces({ system, database }: Place): Promise<string[]> {
  const workspaces = path.join(system.env.DATA_DIR ?? '', 'workspaces');
  const { rows: stacks } = await database.query<{ id: string }>(
    `SELECT id FROM stacks WHERE kind = 'hosting'`,
  );
  const { rows } = await database.query<{ what: string }>(
    `SELECT 'SSH port ' || port AS what FROM ssh_ports
     UNION ALL SELECT 'address ' || host(ip) FROM address_leases
     UNION ALL SELECT 'route row ' || hosting_id FROM routes`,
  );
  return [
    ...(await domainsOf(system)).map((name) => `domain ${name}`),
    ...(await volumesOf(system)).map((name) => `volume ${name}`),
    ...nginxLines(system).map((line) => `Nginx ${line}`),
    ...rows.map(({ what }) => what),
    ...stacks.map(({ id }) => `stack row ${id}`),
    ...(existsSync(workspaces) ? readdirSync(workspaces) : []).map((name) => `workspace ${name}`),
  ].sort();
}

/** Takes away what no operation will: so that a failed run leaves the machine as it was. */
export async function removeOrphans(system: System): Promise<void> {
  const workspaces = path.join(system.env.DATA_DIR ?? '', 'workspaces');
  for (const name of existsSync(workspaces) ? readdirSync(workspaces) : [])
    for (const { pid } of processesIn(path.join(workspaces, name))) process.kill(pid, 'SIGKILL');
  for (const name of await domainsOf(system)) {
    await system.virsh('destroy', name).catch(() => undefined);
    await system.virsh('undefine', name, '--managed-save').catch(() => undefined);
  }
  for (const name of await volumesOf(system))
    if (!name.startsWith('base-'))
      await system.virsh('vol-delete', name, '--pool', system.env.POOL_NAME ?? '').catch(() => undefined);
}

/** Others on this machine have VMs too: ours have their disks in our pool. */
async function domainsOf(system: System): Promise<string[]> {
  const names = await lines(system.virsh('list', '--all', '--name'));
  const ours: string[] = [];
  for (const name of names) {
    // it may go meanwhile
    const xml = await system.virsh('dumpxml', name).catch(() => '');
    if (xml.includes(`${system.env.POOL_DIR ?? ''}/`)) ours.push(name);
  }
  return ours;
}

/** What libvirt lists, and what lies there without its knowledge. */
async function volumesOf(system: System): Promise<string[]> {
  const { POOL_NAME = '', POOL_DIR = '' } = system.env;
  const listed = (await lines(system.virsh('vol-list', POOL_NAME))).map((line) => line.split(/\s+/)[0] ?? '');
  return [...new Set([...listed, ...readdirSync(POOL_DIR)])];
}

function nginxLines(system: System): string[] {
  const file = path.join(system.env.DATA_DIR ?? '', 'nginx/nginx.conf');
  const text = readFileSync(file, 'utf8').split('\n');
  return text.map((line) => line.trim()).filter((line) => line !== '');
}

async function lines(text: Promise<string>): Promise<string[]> {
  return (await text)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
