/** The audit log as rows; PostgreSQL itself refuses to change or remove one. */
import { emailKeysOf } from '../base/emails';
import type { AuditEntry, AuditFilter, AuditRecord } from '../model/audit';
import type { Tx } from './database';

export async function insertAudit(tx: Tx, record: AuditRecord): Promise<void> {
  const { userId, actor, via, action, outcome, code, address, requestId } = record;
  await tx.query(
    `INSERT INTO audit_log (user_id, actor, via, action, target, outcome, code, address, request_id)
     VALUES ($1, $2, $3, $4,
       coalesce($5, (SELECT 'user ' || id FROM users WHERE email_key = ANY ($10::text[]) AND deleted_at IS NULL
         ORDER BY array_position($10::text[], email_key) LIMIT 1)), $6, $7, $8, $9)`,
    [userId, actor, via, action, record.target, outcome, code, address, requestId, keysOf(record)],
  );
}

function keysOf({ targetEmail }: AuditRecord): string[] {
  return targetEmail === undefined ? [] : emailKeysOf(targetEmail);
}

/** Newest first. */
export function listAudit(tx: Tx, { after, limit, userId, action }: AuditFilter): Promise<AuditEntry[]> {
  return tx.query(
    `SELECT id, at, user_id AS "userId", actor, via, action, target, outcome, code, address,
       request_id AS "requestId"
     FROM audit_log
     WHERE ($1::bigint IS NULL OR id < $1) AND ($2::integer IS NULL OR user_id = $2)
       AND ($3::text IS NULL OR action = $3)
     ORDER BY id DESC LIMIT $4`,
    [after ?? null, userId ?? null, action ?? null, limit],
  );
}
