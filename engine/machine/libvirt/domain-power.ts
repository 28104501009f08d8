/**
 * Saving VMs and starting them again. libvirt itself goes on with a save or a start whose caller has died: a second call
 * waits for it there, and the state of the VM at the end, not the exit of virsh, says how it went.
 */
import { EngineError } from '../../base/errors';
import type { CommandResult } from '../../base/process';
import type { Inventory } from './inventory';
import { refuse } from './run-virsh';

type Virsh = (
  args: readonly string[],
  options?: { timeoutMs?: number; signal?: AbortSignal },
) => Promise<CommandResult>;

/** The memory of a large VM, written to a slow disk. */
const timeoutMs = 600_000;

export function domainPower(
  virsh: Virsh,
  stateOf: Inventory['domainState'],
): Pick<Inventory, 'save' | 'start' | 'forgetSaved'> {
  const existing = async (name: string): Promise<string> => {
    const state = await stateOf(name);
    if (state !== null) return state;
    throw new EngineError('vm_lost', `${name} is gone from the server; apply its stack to restore it`);
  };
  return {
    save: async (name, signal) => {
      const before = await existing(name);
      // a restart of the machine would bring it back to memory
      await expect(virsh(['autostart', name, '--disable']));
      if (isOff(before)) return;
      // --running: what was paused by a save that failed goes on after the next start
      const saved = await virsh(['managedsave', name, '--running'], { timeoutMs, signal });
      if (!isOff(await existing(name))) refuseSave(saved);
    },
    start: async (name, signal) => {
      const before = await existing(name);
      if (before !== 'running') {
        const verb = before === 'paused' ? 'resume' : 'start';
        const started = await virsh([verb, name], { timeoutMs, signal });
        if ((await existing(name)) !== 'running') refuseStart(started);
      }
      await expect(virsh(['autostart', name]));
    },
    forgetSaved: async (name) => {
      if ((await stateOf(name)) !== 'saved') return;
      const removed = await virsh(['managedsave-remove', name]);
      if ((await stateOf(name)) === 'saved') refuse(removed);
    },
  };
}

function isOff(state: string): boolean {
  return state === 'saved' || state === 'shut off';
}

async function expect(running: Promise<CommandResult>): Promise<void> {
  const result = await running;
  if (result.code !== 0) refuse(result);
}

function refuseSave(result: CommandResult): never {
  if (/No space left on device/i.test(result.stderr))
    throw noRoomToSave(new Error(result.stderr.trim().slice(0, 4000)));
  refuse(result);
}

export function noRoomToSave(cause: unknown): EngineError {
  return new EngineError(
    'disk_full',
    'The server has too little disk space to save this VM; free some where libvirt saves VMs (/var/lib/libvirt/qemu/save)',
    { cause },
  );
}

function refuseStart(result: CommandResult): never {
  if (/cannot (allocate|set up guest) memory|out of memory/i.test(result.stderr))
    throw noMemory(new Error(result.stderr.trim().slice(0, 4000)));
  refuse(result);
}

export function noMemory(cause: unknown): EngineError {
  return new EngineError('memory_exhausted', undefined, { retryable: true, cause });
}
