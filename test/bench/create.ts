/**
 * Request to first page, beside the same image started by bare virsh in the same run.
 *
 *     npm run bench:create -- [--runs 5] [--images micro,debian-13] [--json FILE]
 *
 * Both sides make a copy-on-write disk and a cloud-init ISO, start the same hardware, and end when the VM's own page
 * is read; ours goes through API, Terraform and Nginx on top of that. They take turns, so that the machine's mood
 * hits both.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pageMarker, renderCloudInit } from '../../engine/cloud-init';
import { startSystem, type System, until } from '../support/system';

type Image = 'micro' | 'debian-13';
interface Sample {
  readonly seconds: number;
  /** Phase -> seconds. */
  readonly phases: Record<string, number>;
}
interface Result {
  readonly image: Image;
  readonly engine: readonly Sample[];
  readonly virsh: readonly number[];
  readonly ratio: number;
  readonly limit: number;
  readonly idleMiB: number;
}

const limits: Record<Image, number> = { micro: 1.5, 'debian-13': 1.1 };
const idleLimitMiB = 200;
const bootDeadlineMs = 300_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      images: { type: 'string', default: 'micro,debian-13' },
      json: { type: 'string' },
    },
  });
  const results: Result[] = [];
  for (const image of values.images.split(',') as Image[])
    results.push(await measure(image, Number(values.runs)));
  for (const result of results) print(result);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
  const missed = results.filter((result) => result.ratio > result.limit || result.idleMiB > idleLimitMiB);
  if (missed.length > 0) process.exitCode = 1;
}

async function measure(image: Image, runs: number): Promise<Result> {
  const system = await startSystem(image);
  const engine: Sample[] = [];
  const virsh: number[] = [];
  try {
    const idleMiB = await idleMemory(system);
    const account = await system.newAccount();
    for (let round = 0; round < runs; round++) {
      const { sample, xml } = await throughTheEngine(system, account);
      engine.push(sample);
      virsh.push(await byVirsh(system, xml));
      console.error(
        `${image} ${round + 1}/${runs}: engine ${sample.seconds.toFixed(2)} s, virsh ${virsh.at(-1)?.toFixed(2) ?? ''} s`,
      );
    }
    const ratio = median(engine.map((sample) => sample.seconds)) / median(virsh);
    return { image, engine, virsh, ratio, limit: limits[image], idleMiB };
  } finally {
    await system.close();
  }
}

async function throughTheEngine(
  system: System,
  { token, userId }: { token: string; userId: number },
): Promise<{ sample: Sample; xml: string }> {
  const started = performance.now();
  const requestedAt = Date.now();
  const asked = system.call('POST', '/host', { token, body: {}, headers: { prefer: 'wait=300' } });
  await until(bootDeadlineMs, 'the page is served', () =>
    pageHolds(`${system.web}/${userId}`, 'name="vm-webhoster"'),
  );
  const seconds = (performance.now() - started) / 1000;
  const { body } = await asked;
  if (!body.success) throw new Error(body.message);
  const { hosting, operation } = body.data;
  const xml = await system.virsh('dumpxml', '--inactive', hosting.vm_id);
  await system.call('DELETE', '/host/my', { token });
  const phases = operation.steps.flatMap(({ name, started_at: from, finished_at: to }) =>
    from !== null && to !== null ? [[name, (Date.parse(to) - Date.parse(from)) / 1000] as const] : [],
  );
  const begun = operation.steps.find((step) => step.started_at !== null)?.started_at ?? '';
  const accept = (Date.parse(begun) - requestedAt) / 1000;
  return {
    sample: { seconds, phases: { accept, ...Object.fromEntries(phases) } },
    xml,
  };
}

/** The same domain, made by hand: overlay, ISO, define and start. */
async function byVirsh(system: System, xml: string): Promise<number> {
  const dir = mkdtempSync(path.join(system.env.POOL_DIR ?? '/tmp', 'bare-'));
  const disk = path.join(dir, 'root.qcow2');
  const iso = path.join(dir, 'cidata.iso');
  const base = baseVolume(system);
  const { ip, mac } = lastAddress(system.env.NETWORK_CIDR ?? '');
  const files = renderCloudInit({
    hostingId: '00000000-0000-4000-8000-000000000000',
    vmName: 'vm-bare',
    sshPublicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMQEoRYm18bZUzL6eJulUIEpJEYl5v1CnYTEJc3VT5J+',
    welcome: {
      username: 'bare',
      vmName: 'vm-bare',
      webUrl: '',
      subdomainUrl: '',
      sshCommand: '',
      sftpCommand: '',
    },
  });
  try {
    execFileSync('chmod', ['711', dir]);
    const started = performance.now();
    writeFileSync(path.join(dir, 'user-data'), files.userData);
    writeFileSync(path.join(dir, 'meta-data'), files.metaData);
    execFileSync('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-F',
      'qcow2',
      '-b',
      base,
      disk,
      `${system.env.VM_DISK_GIB ?? '1'}G`,
    ]);
    execFileSync('genisoimage', [
      '-quiet',
      '-output',
      iso,
      '-volid',
      'cidata',
      '-joliet',
      '-rock',
      path.join(dir, 'user-data'),
      path.join(dir, 'meta-data'),
    ]);
    writeFileSync(path.join(dir, 'domain.xml'), bareDomain(xml, { disk, iso, mac, ip }));
    execFileSync('virsh', ['-q', 'define', path.join(dir, 'domain.xml')]);
    execFileSync('virsh', ['-q', 'start', `bare-${system.env.POOL_NAME ?? ''}`]);
    const domain = `bare-${system.env.POOL_NAME ?? ''}`;
    await until(bootDeadlineMs, 'the bare VM serves its page', () =>
      pageHolds(`http://${ip}/`, pageMarker('vm-bare')),
    );
    const seconds = (performance.now() - started) / 1000;
    execFileSync('virsh', ['-q', 'destroy', domain]);
    execFileSync('virsh', ['-q', 'undefine', domain]);
    return seconds;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }

  function bareDomain(source: string, with_: { disk: string; iso: string; mac: string; ip: string }): string {
    return source
      .replace(/<name>[^<]+<\/name>/, `<name>bare-${system.env.POOL_NAME ?? ''}</name>`)
      .replace(/<uuid>[^<]+<\/uuid>/, '')
      .replace(/[^']+\.qcow2(?=')/, with_.disk)
      .replace(/[^']+\.iso(?=')/, with_.iso)
      .replace(/<mac address='[^']+'/, `<mac address='${with_.mac}'`)
      .replace(/(<parameter name='IP' value=')[^']+/, `$1${with_.ip}`);
  }
}

function baseVolume(system: System): string {
  const listed = execFileSync('virsh', ['-q', 'vol-list', system.env.POOL_NAME ?? '']).toString();
  const found = /\S*base-\S+\.qcow2\s+(\S+)/.exec(listed)?.[1];
  if (found === undefined) throw new Error('no base image in the pool');
  return found;
}

function lastAddress(cidr: string): { ip: string; mac: string } {
  const [a, b, c] = cidr.split('.').map(Number) as [number, number, number];
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return { ip: `${a}.${b}.${c}.62`, mac: `52:54:00:${hex(b)}:${hex(c)}:${hex(62)}` };
}

function pageHolds(url: string, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: 1000 }, (response) => {
      let page = '';
      response.on('data', (chunk: Buffer) => (page += chunk.toString()));
      response.on('close', () => {
        resolve(response.statusCode === 200 && page.includes(text));
      });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => {
      resolve(false);
    });
  });
}

async function idleMemory(system: System): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const kib = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${system.pid()}/status`, 'utf8'))?.[1]);
  return kib / 1024;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

function print({ image, engine, virsh, ratio, limit, idleMiB }: Result): void {
  const names = Object.keys(engine[0]?.phases ?? {});
  const row = (name: string, values: readonly number[]): string =>
    `  ${name.padEnd(22)}${[Math.min(...values), median(values), Math.max(...values)].map((value) => value.toFixed(2).padStart(9)).join('')}`;
  console.log(`\n${image}, ${engine.length} runs, seconds${' '.repeat(Math.max(0, 4))}min   median      max`);
  console.log(
    row(
      'request to first page',
      engine.map((sample) => sample.seconds),
    ),
  );
  for (const name of names)
    console.log(
      row(
        `  ${name}`,
        engine.map((sample) => sample.phases[name] ?? 0),
      ),
    );
  console.log(row('bare virsh', virsh));
  console.log(
    `  ratio of medians ${ratio.toFixed(2)} (at most ${limit.toFixed(2)}: ${ratio <= limit ? 'met' : 'MISSED'})`,
  );
  console.log(
    `  idle memory of API + worker ${idleMiB.toFixed(0)} MiB (at most ${idleLimitMiB} MiB: ${idleMiB <= idleLimitMiB ? 'met' : 'MISSED'})`,
  );
}

void main();
