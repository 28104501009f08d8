/** What a failed Terraform run means: its exit, and what it and its provider said. */
import { EngineError, type ErrorCode } from '../../base/errors';
import type { CommandResult } from '../../base/process';
import { parseEvent } from './json-events';
import type { TerraformEvent } from './terraform';

/** Words of the provider, of libvirt and of Terraform when the connection to libvirt broke or could not be made. */
const libvirtAway =
  /failed to (connect|dial)|connection refused|client socket is closed|End of file while reading|broken pipe|connection reset|failed to read[^]*EOF|libvirt-sock[^]*no such file|: EOF$/im;
/** A plugin that crashed or was killed. */
const providerAway =
  /plugin (did not respond|crashed|process exited)|code = Unavailable|transport is closing|GRPCProvider\)/i;
const noSpace = /no space left on device|not enough (free )?space|ENOSPC/i;

/**
 * @param code  the verb's own code, for what is wrong with the stack itself
 * @returns `disk_full`; or a retryable error where another try may find the part back; or `code`. A plan is always
 *   worth another try: a refresh may break in the provider where the next one succeeds.
 */
export function terraformFailure(
  code: 'plan_failed' | 'apply_failed',
  message: string | undefined,
  result: CommandResult,
): EngineError {
  const story = storyOf(result);
  const cause = new Error(story.slice(0, 20_000) || `exit code ${result.code ?? 'none'}`);
  const failure = (kind: ErrorCode, text: string | undefined, retryable: boolean): EngineError =>
    new EngineError(kind, text, { retryable, cause });
  if (noSpace.test(story)) return failure('disk_full', undefined, false);
  if (libvirtAway.test(story)) return failure('libvirt_unavailable', undefined, true);
  // somebody ended Terraform, and it was not us: that would have been thrown before
  const ended = result.code === null || providerAway.test(story);
  return failure(code, message, code === 'plan_failed' || ended);
}

/** A run that was stopped because it took too long; the next one may not hang. */
export function asHanging(code: 'plan_failed' | 'apply_failed', message?: string) {
  return (thrown: unknown): never => {
    if (!(thrown instanceof DOMException && thrown.name === 'TimeoutError')) throw thrown;
    throw new EngineError(code, message, { retryable: true, cause: thrown });
  };
}

/** An init found a provider of the version that it was locked to, with another checksum. */
export function isLockedToOtherBuild(thrown: unknown): boolean {
  return (
    thrown instanceof EngineError &&
    thrown.cause instanceof Error &&
    /checksums\s+previously\s+recorded\s+in\s+the\s+dependency\s+lock\s+file/.test(thrown.cause.message)
  );
}

/** Terraform repeats its diagnostics in many words; the errors among them, and what is not JSON, tell the story. */
function storyOf(result: CommandResult): string {
  const told = result.stdout
    .split('\n')
    .map(parseEvent)
    .filter((event): event is TerraformEvent => event?.level === 'error')
    .map((event) => event.message);
  return [...told, result.stderr.trim()].filter((text) => text !== '').join('\n');
}
