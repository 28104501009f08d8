/** Where a command works: over the API of a service, or on this machine itself. */
import { EngineError } from '../engine';
import type { Logins } from './credentials';
import { serviceUrl } from './remote/client';

export type Target =
  | { readonly kind: 'machine' }
  | { readonly kind: 'service'; readonly url: string; readonly token: string | null };

export interface TargetFlags {
  readonly url?: string;
  readonly local?: boolean;
}

/**
 * `--local`, else `--url`, else WEBHOSTER_URL, else the service that was signed in to last, else this machine. The token
 * is WEBHOSTER_TOKEN, else that of the login to this very service: no token goes to another.
 *
 * @throws {EngineError} validation_failed
 */
export async function chooseTarget(
  { url, local = false }: TargetFlags,
  env: Readonly<Record<string, string | undefined>>,
  logins: () => Promise<Logins>,
): Promise<Target> {
  if (local && url !== undefined)
    throw new EngineError('validation_failed', '--local and --url cannot be used together');
  if (local) return { kind: 'machine' };
  const given = url ?? (env.WEBHOSTER_URL || null);
  const ownToken = env.WEBHOSTER_TOKEN?.trim() || null;
  if (given !== null && ownToken !== null)
    return { kind: 'service', url: serviceUrl(given), token: ownToken };
  const { current, services } = await logins();
  const at = given === null ? current : serviceUrl(given);
  if (at === null) return { kind: 'machine' };
  return { kind: 'service', url: at, token: ownToken ?? services[at]?.token ?? null };
}
