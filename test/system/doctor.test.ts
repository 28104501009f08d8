/** What does not fit together, on real libvirt, Nginx and Postgres: found, mended, and nothing else touched. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Account, type HostAnswer, startSystem, type System, until } from '../worlds/system';
import { loseReservations } from '../support/rows';

jest.setTimeout(240_000);

interface Diagnosis {
  readonly findings: { kind: string; subject: string; known: boolean }[];
  readonly left: { kind: string; subject: string }[];
}

let system: System;
let account: Account;
let made: HostAnswer;
beforeAll(async () => {
  system = await startSystem('micro');
  account = await system.newAccount();
  const answer = await system.call('POST', '/host', { token: account.token, body: {} });
  expect(answer.status).toBe(201);
  made = answer.body.data;
});
afterAll(() => system.close());

async function doctor(...options: string[]): Promise<{ code: number; diagnosis: Diagnosis }> {
  const { code, stdout } = await system.tryWebhoster(['doctor', '--json', ...options]);
  return { code, diagnosis: JSON.parse(stdout) as Diagnosis };
}

/** Kind and subject of what is found now. */
async function found(): Promise<string[]> {
  return (await doctor()).diagnosis.findings.map(({ kind, subject }) => `${kind} ${subject}`).sort();
}

async function defineDomain(name: string, mark: string): Promise<void> {
  const file = path.join(system.env.DATA_DIR ?? '', `${name}.xml`);
  writeFileSync(
    file,
    `<domain type='qemu'><name>${name}</name>${mark}<memory unit='MiB'>32</memory>
      <os><type machine='pc'>hvm</type></os></domain>`,
  );
  await system.virsh('define', file);
}

function markOf(id: string, pool: string): string {
  return `<metadata><w:hosting xmlns:w='urn:vm-webhoster:hosting:1' id='${id}' pool='${pool}'/></metadata>`;
}

function addVolume(name: string): Promise<string> {
  return system.virsh('vol-create-as', system.env.POOL_NAME ?? '', name, '1M');
}

it('finds nothing where everything fits, and says so with exit code 0', async () => {
  expect(await found()).toEqual([]);
  const { code, stdout } = await system.tryWebhoster(['doctor']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('Everything matches')]);
});

it('finds planted orphans of every kind, removes them, and leaves foreign things alone', async () => {
  const pool = system.env.POOL_NAME ?? '';
  const [stray, foreign, other] = [randomUUID(), randomUUID(), randomUUID()];
  const vm = (id: string): string => `vm-${id.slice(0, 8)}`;
  const ended = await endedHosting();
  await defineDomain(vm(stray), markOf(stray, pool));
  await addVolume(`${stray}.qcow2`);
  await addVolume(`${stray}-cidata.iso`);
  mkdirSync(path.join(system.env.DATA_DIR ?? '', 'workspaces', stray), { recursive: true });
  await system.query(`INSERT INTO routes (hosting_id) VALUES ('${ended}')`);
  await system.query(`INSERT INTO ssh_ports (port, hosting_id) VALUES (19999, '${ended}')`);
  await system.query(
    `INSERT INTO address_leases (node, ip, hosting_id) SELECT node, '10.99.99.99', id FROM hostings WHERE id = '${ended}'`,
  );
  // a name like ours without a mark, a mark of another installation, a mark under another name, somebody's file
  await defineDomain(vm(foreign), '');
  await defineDomain(vm(other), markOf(other, 'another-pool'));
  await defineDomain(`precious-${pool}`, markOf(foreign, pool));
  await addVolume('precious.qcow2');

  const { code, diagnosis } = await doctor();
  expect(code).toBe(1);
  // the planted route is served only after the service's next look at Nginx
  const planted = diagnosis.findings.filter(({ kind }) => kind !== 'routes-not-served');
  expect(planted.map(({ kind, subject }) => `${kind} ${subject}`).sort()).toEqual([
    'orphan-address 10.99.99.99',
    `orphan-domain ${vm(stray)}`,
    `orphan-iso ${stray}-cidata.iso`,
    'orphan-port SSH port 19999',
    `orphan-route ${vm(ended)}`,
    `orphan-volume ${stray}.qcow2`,
    `orphan-workspace ${stray}`,
  ]);

  const fixed = await doctor('--fix');
  expect([fixed.code, fixed.diagnosis.left]).toEqual([0, []]);
  const domains = await system.virsh('list', '--all', '--name');
  expect(domains).not.toContain(vm(stray));
  for (const name of [vm(foreign), vm(other), `precious-${pool}`, made.hosting.vm_id])
    expect(domains).toContain(name);
  expect(await system.virsh('vol-list', pool)).toContain('precious.qcow2');
  expect(existsSync(path.join(system.env.DATA_DIR ?? '', 'workspaces', stray))).toBe(false);
  expect(page()).toContain(made.hosting.vm_id);

  for (const name of [vm(foreign), vm(other), `precious-${pool}`]) await system.virsh('undefine', name);
  await system.virsh('vol-delete', 'precious.qcow2', '--pool', pool);
});

it('takes a VM that was removed by hand for drift, not for an orphan, and touches nothing of it', async () => {
  const xml = path.join(system.env.DATA_DIR ?? '', 'kept.xml');
  writeFileSync(xml, await system.virsh('dumpxml', '--inactive', made.hosting.vm_id));
  await system.virsh('destroy', made.hosting.vm_id);
  expect(await found()).toEqual([`stopped-domain ${made.hosting.vm_id}`]);
  await system.virsh('undefine', made.hosting.vm_id);
  expect(await found()).toEqual([`missing-domain ${made.hosting.vm_id}`]);
  const { code, diagnosis } = await doctor('--fix');
  expect([code, diagnosis.left]).toEqual([1, [expect.objectContaining({ kind: 'missing-domain' })]]);
  expect(await system.virsh('vol-list', system.env.POOL_NAME ?? '')).toContain(`${made.hosting.id}.qcow2`);
  await system.virsh('define', xml);
  await system.virsh('start', made.hosting.vm_id);
  expect(await found()).toEqual([]);
});

it('takes route, port and address of a running hosting back when their rows are lost', async () => {
  for (const table of ['routes', 'ssh_ports', 'address_leases'] as const)
    await loseReservations(system, table, { hosting_id: made.hosting.id });
  const { diagnosis } = await doctor();
  expect(diagnosis.findings.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['missing-route', 'missing-port', 'missing-address']),
  );
  expect((await doctor('--fix')).code).toBe(0);
  // it was started again a moment ago
  await until(60_000, 'the page is served', () => Promise.resolve(page().includes(made.hosting.vm_id)));
});

it('sees a configuration of Nginx that was edited by hand, or the service mends it first', async () => {
  const file = path.join(system.env.DATA_DIR ?? '', 'nginx/nginx.conf');
  const before = readFileSync(file, 'utf8');
  appendFileSync(file, '# by hand\n');
  await doctor('--fix');
  expect(readFileSync(file, 'utf8')).toBe(before);
  appendFileSync(file, '# by hand\n');
  await until(30_000, 'the service mends it by itself', () =>
    Promise.resolve(readFileSync(file, 'utf8') === before),
  );
});

it('says that it could not look, with exit code 2', async () => {
  const { code, stdout } = await system.tryWebhoster(['doctor', '--json'], {
    LIBVIRT_URI: 'qemu:///system?socket=/nonexistent/libvirt-sock',
  });
  expect([code, JSON.parse(stdout)]).toEqual([
    2,
    { error: expect.objectContaining({ code: 'libvirt_unavailable' }) as unknown },
  ]);
});

/** A hosting that was made and deleted: the database knows it. */
async function endedHosting(): Promise<string> {
  const other = await system.newAccount();
  const answer = await system.call('POST', '/host', { token: other.token, body: {} });
  await system.call('DELETE', '/host/my', { token: other.token });
  return answer.body.data.hosting.id;
}

function page(): string {
  return execFileSync('curl', ['-s', '--max-time', '10', `${system.web}/${account.userId}`]).toString();
}
