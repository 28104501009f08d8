/** What a hosting is called in libvirt, where everything derives from its id, and by whoever types a name. */
import { EngineError } from '../../base/errors';
import { lowerAscii } from '../../base/typed-names';

/** The domain, and what users see. */
export function vmNameOf(hostingId: string): string {
  return `vm-${hostingId.slice(0, 8)}`;
}

export function rootVolumeName(hostingId: string): string {
  return `${hostingId}.qcow2`;
}

/** The cloud-init disk. */
export function isoName(hostingId: string): string {
  return `${hostingId}-cidata.iso`;
}

/** What a text that somebody types can name; one form is one kind, so that nothing is taken for two things. */
export type HostingName =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'vm'; readonly vmName: string }
  | { readonly kind: 'user'; readonly username: string };

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const vmName = /^vm-[0-9a-f]{8}$/;
/** `deleted.12` too, which names nobody any more. */
const anyUsername = /^[a-z0-9][a-z0-9.-]{0,63}$/;
const userMark = 'user:';

/**
 * A hosting's id, a VM's name, or else a username. What has the form of an id or of a VM's name is never a username,
 * though an account may be older than that rule: `user:vm-1a2b3c4d` names its user.
 *
 * @returns null for what names nothing
 */
export function readHostingName(typed: string): HostingName | null {
  const text = lowerAscii(typed.trim());
  if (uuid.test(text)) return { kind: 'id', id: text };
  if (vmName.test(text)) return { kind: 'vm', vmName: text };
  const username = text.startsWith(userMark) ? text.slice(userMark.length) : text;
  return anyUsername.test(username) ? { kind: 'user', username } : null;
}

export interface Named {
  readonly id: string;
  readonly vmName: string;
  readonly username: string;
}

/** Whether the text names this hosting; the same choice as the database makes. */
export function namesHosting(typed: string, hosting: Named): boolean {
  const name = readHostingName(typed);
  if (name?.kind === 'id') return name.id === hosting.id;
  if (name?.kind === 'vm') return name.vmName === hosting.vmName;
  return name !== null && name.username === hosting.username;
}

/**
 * The one hosting that a text names.
 *
 * @param found  those that it can mean
 * @throws {EngineError} hosting_not_found; validation_failed, with the candidates, where it can mean several
 */
export function theOne<T extends Named>(typed: string, found: readonly T[], none = noHostingNamed): T {
  const [one, ...others] = found;
  if (one === undefined) throw none(typed);
  if (others.length === 0) return one;
  const candidates = found.map(({ id, vmName, username }) => `${id} (${vmName} of ${username})`);
  throw new EngineError(
    'validation_failed',
    `"${typed.trim()}" matches ${found.length} hostings; use the ID of one: ${candidates.join(', ')}`,
    { details: { candidates: found.map(({ id }) => id) } },
  );
}

export function noHostingNamed(typed: string): EngineError {
  const text = typed.trim();
  const isUser = readHostingName(text)?.kind === 'user';
  const other = isUser ? '' : `; ${userMark}${text} would be the user of that name`;
  return new EngineError(
    'hosting_not_found',
    `No hosting matches "${text}" (VM name, ID or username)${other}`,
  );
}
