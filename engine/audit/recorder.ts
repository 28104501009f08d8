/**
 * What is changed on the machine itself, by whoever operates it or by the service of its own accord. Each change leaves
 * one record in the audit log when it ends, however it ends; reading and planning leave none.
 */
import type { AuditRecord } from '../model/audit';
import { actingAs } from '../model/actor';
import { toEngineError } from '../base/errors';
import type { Log } from '../base/log';
import { insertAudit } from '../store/audit';
import type { Database, Tx } from '../store/database';

/** As `webhoster audit --action` takes them. */
export const machineActions = [
  'admin create',
  'admin grant',
  'admin revoke',
  'admin sign out',
  'username release',
  'token create',
  'token revoke',
  'keys rotate',
  'label',
  'apply',
  'teardown',
  'eject',
  'adopt',
  'sleep',
  'wake',
  'doctor fix',
  'restore',
  'node prepare',
  'node remove',
  'spare make',
  'spare remove',
] as const;
export type MachineAction = (typeof machineActions)[number];

/** Who does what nobody asked for; no username has a space. */
export const theService = 'the service';

/** Does the work and leaves its record. @throws what `work` throws, or why the record of finished work is missing */
export type Recorded = <T>(
  action: MachineAction,
  target: string | null,
  work: () => Promise<T>,
) => Promise<T>;

/** @param actor  who gives the command, such as `operator mina` */
export function recorder(
  { database, log }: { readonly database: Database; readonly log: Log },
  actor: string,
): Recorded {
  const record = (given: Pick<AuditRecord, 'action' | 'target' | 'outcome' | 'code'>): Promise<void> =>
    recordOnMachine(database.direct, actor, given);
  return async (action, target, work) => {
    let result;
    try {
      result = await actingAs(actor, work);
    } catch (thrown) {
      const { code } = toEngineError(thrown);
      // why the work failed is what counts, and may be why there is no record either
      await record({ action, target, outcome: 'failed', code }).catch((err: unknown) => {
        log.error({ err, action }, 'a change could not be recorded');
      });
      throw thrown;
    }
    await record({ action, target, outcome: 'done', code: null });
    return result;
  };
}

/** For what ends with the transaction that records it. */
export function recordOnMachine(
  tx: Tx,
  actor: string,
  record: Pick<AuditRecord, 'action' | 'target' | 'outcome' | 'code'>,
): Promise<void> {
  return insertAudit(tx, {
    ...record,
    ...{ userId: null, actor, via: 'machine', address: 'local', requestId: null },
  });
}
