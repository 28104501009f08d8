/** Under which name the audit log has what is done on this machine. */
import { userInfo } from 'node:os';

/** Who became root rather than root, where sudo tells. */
export function operatorName(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const name = env.SUDO_USER ?? userInfo().username;
  return `operator ${/^[A-Za-z0-9._-]{1,32}$/.test(name) ? name : 'unknown'}`;
}
