/** Whose hosting may be seen and changed: one's own, and for operators every one. */
import type { Asker } from './engine';
import { EngineError } from './errors';
import type { Tx } from './store/database';
import { findByName } from './store/ejections';
import { findHosting, findLivingHosting, type HostingRow, type OwnedHosting } from './store/hostings';

/** @throws {EngineError} hosting_not_found, also where there is one that the asker may not see */
export async function visibleHosting(tx: Tx, asker: Asker, hostingId: string | null): Promise<HostingRow> {
  const mine = asker === 'operator' ? null : asker.id;
  const hosting =
    hostingId !== null
      ? await findHosting(tx, hostingId)
      : mine === null
        ? null
        : await findLivingHosting(tx, mine);
  const all = asker === 'operator' || asker.role === 'admin';
  if (hosting !== null && (all || hosting.userId === mine)) return hosting;
  throw noSuchHosting();
}

/** @param text  a VM's name, a hosting's id or a username. @throws {EngineError} hosting_not_found */
export async function hostingNamed(tx: Tx, text: string): Promise<OwnedHosting> {
  const hosting = await findByName(tx, text);
  if (hosting !== null) return hosting;
  throw noHostingNamed(text);
}

export function noHostingNamed(text: string): EngineError {
  return new EngineError('hosting_not_found', `There is no hosting of the name, id or user ${text}`);
}

export function noSuchHosting(): EngineError {
  return new EngineError('hosting_not_found', 'There is no such hosting');
}
