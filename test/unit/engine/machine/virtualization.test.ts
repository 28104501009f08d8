import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { bootTrial } from '../../../../engine/machine/libvirt/virtualization';
import { removeScratch, scratchDir } from '../support';

const kernel = '/images/micro/vmlinuz';
const before = process.env.PATH;
let dir: string;

/** A stand-in for QEMU that writes its arguments down and then does what it is told. */
function qemu(script: string): void {
  const file = path.join(dir, 'qemu-system-x86_64');
  writeFileSync(file, `#!/bin/sh\necho "$@" > ${dir}/argv\n${script}\n`);
  chmodSync(file, 0o755);
}

function kvm(usable: boolean): void {
  const denied = Object.assign(new Error('denied'), { code: 'EACCES' });
  jest
    .spyOn(fs, 'access')
    .mockImplementation((file) =>
      file === '/dev/kvm' && usable ? Promise.resolve() : Promise.reject(denied),
    );
}

beforeEach(() => {
  dir = scratchDir();
  process.env.PATH = `${dir}:${before ?? ''}`;
});
afterEach(() => {
  process.env.PATH = before;
  removeScratch();
});

describe('choosing between KVM and emulation', () => {
  it('VMs are emulated without a trial where /dev/kvm cannot be used', async () => {
    kvm(false);
    qemu('exit 0');
    expect(await bootTrial.detect(kernel)).toBe('qemu');
    expect(() => readFileSync(path.join(dir, 'argv'))).toThrow();
  });

  it('KVM is used when a kernel boots under it and restarts', async () => {
    kvm(true);
    qemu('exit 0');
    expect(await bootTrial.detect(kernel)).toBe('kvm');
    const argv = readFileSync(path.join(dir, 'argv'), 'utf8');
    expect(argv).toContain('-accel kvm');
    expect(argv).toContain(`-kernel ${kernel}`);
    expect(argv).toContain('-no-reboot');
  });

  it('VMs are emulated when QEMU cannot use KVM after all', async () => {
    kvm(true);
    qemu('echo "failed to initialize kvm" >&2; exit 1');
    expect(await bootTrial.detect(kernel)).toBe('qemu');
  });

  it('VMs are emulated when the kernel hangs at boot, and the trial leaves no VM behind', async () => {
    kvm(true);
    const time = globalThis.setTimeout;
    // a hundredth of the time that a real trial gets
    jest
      .spyOn(globalThis, 'setTimeout')
      .mockImplementation(((run: () => void, ms = 0) => time(run, ms / 100)) as typeof setTimeout);
    qemu('echo $$ > "$(dirname "$0")/pid"; trap "" INT; while :; do sleep 0.05; done');
    expect(await bootTrial.detect(kernel)).toBe('qemu');
    const pid = Number(readFileSync(path.join(dir, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow();
  });

  it('KVM is used without a trial if there is no kernel to try', async () => {
    kvm(true);
    expect(await bootTrial.detect(null)).toBe('kvm');
  });

  it('an aborted trial of KVM rejects instead of answering', async () => {
    kvm(true);
    qemu('sleep 60');
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const detecting = bootTrial.detect(kernel, stop.signal);
    setTimeout(() => {
      stop.abort(reason);
    }, 100);
    await expect(detecting).rejects.toBe(reason);
  });

  it('the trial of KVM fails if QEMU is not installed, instead of choosing emulation', async () => {
    kvm(true);
    process.env.PATH = dir;
    await expect(bootTrial.detect(kernel)).rejects.toThrow('qemu-system-x86_64 is not installed');
  });
});
