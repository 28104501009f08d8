/** Calling virsh, and what its refusals mean. */
import { EngineError } from '../../base/errors';
import { CommandNotFound, type CommandResult, runCommand } from '../../base/process';

/** @throws {EngineError} libvirt_unavailable when it does not end in time. @throws the reason of `signal` */
export async function runVirsh(
  uri: string,
  args: readonly string[],
  { timeoutMs = 30_000, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<CommandResult> {
  try {
    return await runCommand(['virsh', '--connect', uri, '--quiet', ...args], { timeoutMs, signal });
  } catch (cause) {
    signal?.throwIfAborted();
    const message = cause instanceof CommandNotFound ? 'virsh is not installed on the server' : undefined;
    throw new EngineError('libvirt_unavailable', message, { retryable: true, cause });
  }
}

/** @throws {EngineError} libvirt_unavailable */
export function refuse(result: CommandResult): never {
  throw new EngineError('libvirt_unavailable', 'libvirt refused a request', {
    retryable: true,
    cause: new Error(result.stderr.trim().slice(0, 4000)),
  });
}
