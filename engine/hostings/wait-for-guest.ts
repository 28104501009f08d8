/** Waiting until a VM truly serves; a DHCP lease or a running process proves nothing. */
import { EngineError } from '../base/errors';
import { waitUntil, type WaitOptions } from '../base/wait-until';
import type { StepWith } from '../stack';

type Waiting = StepWith<'clock' | 'config' | 'guest'>;

/** @param marker  what only this VM's own page holds. @throws {EngineError} guest_unreachable */
export async function waitForPage(context: Waiting, ip: string, marker: string): Promise<void> {
  const serves = async (): Promise<true | null> => (await context.guest.servesPage(ip, marker)) || null;
  await waitUntil(serves, waiting(context, 'serve its page'));
}

/**
 * @param expected  the host keys that it must show; empty for any
 * @returns its host keys
 * @throws {EngineError} guest_unreachable
 */
export function waitForSsh(
  context: Waiting,
  ip: string,
  expected: readonly string[] = [],
): Promise<string[]> {
  const scan = async (): Promise<string[] | null> => {
    const keys = await context.guest.sshHostKeys(ip);
    const right = expected.length === 0 || keys.every((key) => expected.includes(key));
    return keys.length > 0 && right ? keys : null;
  };
  return waitUntil(scan, waiting(context, 'answer by SSH'));
}

function waiting({ clock, config, signal }: Waiting, what: string): WaitOptions {
  const seconds = config.BOOT_TIMEOUT_SECONDS;
  const onTimeout = (): EngineError =>
    new EngineError('guest_unreachable', `The virtual machine did not ${what} in ${seconds} s; try again`);
  return { clock, signal, timeoutMs: seconds * 1000, pollMs: 100, onTimeout };
}
