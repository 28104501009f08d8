/** Which hostings an asker sees and changes: a user their own, an administrator or an operator every one. */
import type { Asker } from '../model/account';
import { EngineError } from '../base/errors';
import { theOne } from '../machine/libvirt/names';
import type { Tx } from '../store/database';
import { findByName } from '../store/ejections';
import {
  findHosting,
  findLivingHosting,
  getOwnedHosting,
  type HostingRow,
  type OwnedHosting,
} from '../store/hostings';

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

/**
 * The living, or else the ejected one.
 *
 * @param text  a hosting's id, a VM's name or a username
 * @throws {EngineError} hosting_not_found; validation_failed, with the candidates, where it can mean several
 */
export async function hostingNamed(tx: Tx, text: string): Promise<OwnedHosting> {
  const found = await findByName(tx, text);
  const living = found.filter(({ status }) => status !== 'ejected');
  const { id } = theOne(text, living.length > 0 ? living : found);
  return getOwnedHosting(tx, id);
}

export function noSuchHosting(): EngineError {
  return new EngineError('hosting_not_found', 'There is no such hosting');
}
