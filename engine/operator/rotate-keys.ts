/**
 * Seals everything anew that was not sealed with the newest key: Terraform states, keys of certificates and accounts.
 * A batch is a transaction, and what is done is known by its seal: it may be interrupted at any point and begun again,
 * beside a service that runs.
 */
import { stateContext } from '../stack';
import type { Parts } from '../durable';
import { accountContext, keyContext } from '../certificates';
import { replaceSeal, type SealedPlace, sealedOtherwise, sealedPlaces } from '../store/seals';

export interface Rotation {
  readonly sealed: number;
  /** Stacks, certificates and authorities whose seal no known key opens; they stay as they are. */
  readonly closed: readonly string[];
}

const batch = 50;

const contexts: Readonly<Record<SealedPlace['table'], (id: string) => string>> = {
  stacks: stateContext,
  ejections: stateContext,
  certificates: keyContext,
  acme_accounts: accountContext,
};

/** @param onBatch  told how many have been sealed so far. @param signal  stops between two batches */
export async function rotateKeys(
  parts: Pick<Parts, 'database' | 'secretBox'>,
  { onBatch, signal }: { onBatch: (sealed: number) => void; signal: AbortSignal },
): Promise<Rotation> {
  let sealed = 0;
  const closed: string[] = [];
  for (const place of sealedPlaces) {
    let after: string | null = null;
    for (;;) {
      signal.throwIfAborted();
      const done: Batch = await rotateBatch(parts, place, after);
      sealed += done.sealed;
      closed.push(...done.closed);
      if (done.last === null) break;
      after = done.last;
      onBatch(sealed);
    }
  }
  return { sealed, closed };
}

interface Batch extends Rotation {
  readonly last: string | null;
}

function rotateBatch(
  { database, secretBox }: Pick<Parts, 'database' | 'secretBox'>,
  place: SealedPlace,
  after: string | null,
): Promise<Batch> {
  return database.transaction(async (tx) => {
    const rows = await sealedOtherwise(tx, place, secretBox.currentPrefix, { after, limit: batch });
    const closed: string[] = [];
    for (const { id, sealed } of rows) {
      const context = contexts[place.table](id);
      let plain: Buffer;
      try {
        plain = secretBox.open(sealed, context);
      } catch {
        closed.push(id);
        continue;
      }
      await replaceSeal(tx, place, id, secretBox.seal(plain, context));
    }
    return { sealed: rows.length - closed.length, closed, last: rows.at(-1)?.id ?? null };
  });
}
