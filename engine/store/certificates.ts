/** Certificates with their sealed keys, and the account used to order them. */
import type { Tx } from './database';

export type CertificateSource = 'self-signed' | 'files' | 'acme';

export interface CertificateRow {
  /** The purpose of the certificate; for `acme`, its first host name. */
  readonly name: string;
  readonly source: CertificateSource;
  readonly names: readonly string[];
  /** PEM; null if it has not been obtained yet. */
  readonly chain: string | null;
  readonly keySealed: Buffer | null;
  readonly notAfter: Date | null;
  readonly renewAt: Date | null;
  /** When the authority is asked next whether to renew early. */
  readonly askAgainAt: Date | null;
  /** Consecutive failures; 0 after a success. */
  readonly failures: number;
  readonly failure: string | null;
  readonly nextTryAt: Date | null;
}

export function allCertificates(tx: Tx): Promise<CertificateRow[]> {
  return tx.query(
    `SELECT name, source, names, chain, key_sealed AS "keySealed", not_after AS "notAfter", renew_at AS "renewAt",
       ask_again_at AS "askAgainAt", failures, failure, next_try_at AS "nextTryAt" FROM certificates ORDER BY name`,
  );
}

export type NewCertificate = Pick<CertificateRow, 'name' | 'source' | 'names' | 'renewAt' | 'askAgainAt'> & {
  readonly chain: string;
  readonly keySealed: Buffer;
  readonly notAfter: Date;
};

/** Replaces the previous certificate. */
export async function saveCertificate(tx: Tx, row: NewCertificate): Promise<void> {
  await tx.query(
    `INSERT INTO certificates (name, source, names, chain, key_sealed, not_after, renew_at, ask_again_at, issued_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())
     ON CONFLICT (name) DO UPDATE SET source = excluded.source, names = excluded.names, chain = excluded.chain,
       key_sealed = excluded.key_sealed, not_after = excluded.not_after, renew_at = excluded.renew_at,
       ask_again_at = excluded.ask_again_at, issued_at = excluded.issued_at, failures = 0, failure = NULL,
       next_try_at = NULL`,
    [
      row.name,
      row.source,
      [...row.names],
      row.chain,
      row.keySealed,
      row.notAfter,
      row.renewAt,
      row.askAgainAt,
    ],
  );
}

/** Records that the certificate could not be obtained. The previous one stays. */
export async function recordCertificateFailure(
  tx: Tx,
  row: Pick<CertificateRow, 'name' | 'source' | 'names'>,
  { failure, nextTryAt }: { failure: string; nextTryAt: Date },
): Promise<void> {
  await tx.query(
    `INSERT INTO certificates (name, source, names, failures, failure, next_try_at) VALUES ($1, $2, $3, 1, $4, $5)
     ON CONFLICT (name) DO UPDATE SET failures = certificates.failures + 1, failure = excluded.failure,
       next_try_at = excluded.next_try_at`,
    [row.name, row.source, [...row.names], failure, nextTryAt],
  );
}

export async function planRenewal(
  tx: Tx,
  name: string,
  { renewAt, askAgainAt }: { renewAt: Date | null; askAgainAt: Date },
): Promise<void> {
  await tx.query(
    `UPDATE certificates SET renew_at = coalesce($2, renew_at), ask_again_at = $3 WHERE name = $1`,
    [name, renewAt, askAgainAt],
  );
}

export async function deleteCertificates(tx: Tx, names: readonly string[]): Promise<void> {
  await tx.query(`DELETE FROM certificates WHERE name = ANY ($1)`, [[...names]]);
}

export interface AcmeAccount {
  readonly keySealed: Buffer;
  readonly thumbprint: string;
}

export async function findAcmeAccount(tx: Tx, directoryUrl: string): Promise<AcmeAccount | null> {
  const [row]: AcmeAccount[] = await tx.query(
    `SELECT key_sealed AS "keySealed", thumbprint FROM acme_accounts WHERE directory_url = $1`,
    [directoryUrl],
  );
  return row ?? null;
}

export async function saveAcmeAccount(tx: Tx, directoryUrl: string, account: AcmeAccount): Promise<void> {
  await tx.query(
    `INSERT INTO acme_accounts (directory_url, key_sealed, thumbprint) VALUES ($1, $2, $3)
     ON CONFLICT (directory_url) DO UPDATE SET key_sealed = excluded.key_sealed, thumbprint = excluded.thumbprint`,
    [directoryUrl, account.keySealed, account.thumbprint],
  );
}
