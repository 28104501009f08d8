/**
 * Vagrant with vagrant-libvirt (Debian packages vagrant and vagrant-libvirt) on a box made of the same image, in the
 * service's own network and pool. Its own cloud-init is an experiment that wants an ISO made by itself; a cdrom with the
 * same data is what the other ways have, too.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { System } from '../../worlds/system';
import {
  bareMarker,
  baseVolume,
  type Bench,
  bootDeadlineMs,
  directKernel,
  lastAddress,
  servesPage,
  type Source,
  type Tool,
  writeCloudInit,
} from './tool';

const run = promisify(execFile);
const box = 'vm-webhoster-bench';

export function vagrant(bench: Bench): Tool {
  const { system, dir: parent } = bench;
  const dir = path.join(parent, 'vagrant');
  const [project, key, iso] = [
    path.join(dir, 'project'),
    path.join(dir, 'key'),
    path.join(dir, 'cidata.iso'),
  ];
  const options = {
    cwd: project,
    env: {
      ...{ PATH: system.env.PATH, HOME: dir, LANG: 'C.UTF-8' },
      ...{ VAGRANT_HOME: path.join(dir, 'home'), VAGRANT_CHECKPOINT_DISABLE: '1', VAGRANT_NO_COLOR: '1' },
    },
    maxBuffer: 1 << 24,
  };
  let upEnded: Promise<unknown> = Promise.resolve();
  return {
    name: 'Vagrant with vagrant-libvirt',
    prepare: async () => {
      mkdirSync(project, { recursive: true });
      chmodSync(dir, 0o711);
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
      await makeBox(bench, dir);
      await run(
        'vagrant',
        ['box', 'add', '--name', box, '--provider', 'libvirt', path.join(dir, 'box.tar.gz')],
        options,
      );
    },
    create: async (source) => {
      const { userData, metaData } = writeCloudInit(dir, readFileSync(`${key}.pub`, 'utf8').trim());
      const form = ['-volid', 'cidata', '-joliet', '-rock'];
      await run('genisoimage', ['-quiet', '-output', iso, ...form, userData, metaData]);
      writeFileSync(path.join(project, 'Vagrantfile'), vagrantfile(source, { system, iso, key }));
      const up = spawn('vagrant', ['up', '--provider', 'libvirt', '--no-provision'], {
        ...options,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let said = '';
      for (const stream of [up.stdout, up.stderr])
        stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
      upEnded = once(up, 'exit');
      await servesPage(`http://${lastAddress(system).ip}/`, bareMarker, () => {
        if (up.exitCode !== null && up.exitCode !== 0)
          throw new Error(`vagrant up ended: ${said.slice(-3000)}`);
      });
    },
    settle: async () => void (await upEnded),
    remove: async () => {
      await upEnded;
      await run('vagrant', ['destroy', '-f'], options);
    },
    close: async () => {
      await run('vagrant', ['destroy', '-f'], options).catch(() => undefined);
      const volumes = await system.virsh('vol-list', system.env.POOL_NAME ?? '');
      for (const name of volumes.match(new RegExp(`${box}\\S*\\.img(?=\\s)`, 'g')) ?? [])
        await system.virsh('vol-delete', name, '--pool', system.env.POOL_NAME ?? '').catch(() => undefined);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A box is a tar of a qcow2 disk without a backing file and a description. */
async function makeBox({ system }: Bench, dir: string): Promise<void> {
  const content = path.join(dir, 'box');
  mkdirSync(content);
  await run('qemu-img', ['convert', '-O', 'qcow2', await baseVolume(system), path.join(content, 'box.img')]);
  const { stdout } = await run('qemu-img', ['info', '--output=json', path.join(content, 'box.img')]);
  const bytes = (JSON.parse(stdout) as { 'virtual-size': number })['virtual-size'];
  const metadata = { provider: 'libvirt', format: 'qcow2', virtual_size: Math.ceil(bytes / 1024 ** 3) };
  writeFileSync(path.join(content, 'metadata.json'), JSON.stringify(metadata));
  await run('tar', ['-C', content, '-czf', path.join(dir, 'box.tar.gz'), 'metadata.json', 'box.img']);
  rmSync(content, { recursive: true });
}

function vagrantfile(
  { xml }: Source,
  { system, iso, key }: { system: System; iso: string; key: string },
): string {
  const { env } = system;
  const boot = directKernel(xml);
  const lines = {
    driver: 'qemu',
    uri: 'qemu:///system',
    machine_type: 'pc',
    cpu_mode: 'custom',
    cpu_model: 'qemu64',
    storage_pool_name: env.POOL_NAME ?? '',
    management_network_name: env.NETWORK_NAME ?? '',
    management_network_address: env.NETWORK_CIDR ?? '',
    management_network_mac: lastAddress(system).mac,
    graphics_type: 'none',
    ...(boot === null ? {} : { kernel: boot.kernel, initrd: boot.initrd, cmd_line: boot.cmdline }),
  };
  return [
    `Vagrant.configure('2') do |config|`,
    `  config.vm.box = '${box}'`,
    `  config.vm.synced_folder '.', '/vagrant', disabled: true`,
    `  config.vm.boot_timeout = ${bootDeadlineMs / 1000}`,
    `  config.ssh.username = 'ubuntu'`,
    `  config.ssh.private_key_path = '${key}'`,
    '  config.ssh.insert_key = false',
    '  config.vm.provider :libvirt do |libvirt|',
    // it would take the service's own network away with its VM
    '    libvirt.management_network_keep = true',
    `    libvirt.memory = ${env.VM_MEMORY_MIB ?? '128'}`,
    '    libvirt.cpus = 1',
    `    libvirt.storage :file, device: :cdrom, bus: 'ide', type: 'raw', path: '${iso}', allow_existing: true`,
    ...Object.entries(lines).map(([name, value]) => `    libvirt.${name} = '${value}'`),
    '  end',
    'end',
    '',
  ].join('\n');
}
