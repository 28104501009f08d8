/** Idempotency keys: the first request with a key decides; repetitions get its result. */
import { EngineError } from '../base/errors';
import type { Tx } from './database';

export interface FirstAnswer {
  readonly hostingId: string;
  readonly operationId: string;
}

/**
 * Claims the key for this request; waits for a concurrent request with the same key to end.
 *
 * @returns the result of the first request, or null if this is the first
 * @throws {EngineError} idempotency_key_reused if the first request was a different one
 */
export async function claimIdempotencyKey(
  tx: Tx,
  userId: number,
  key: string,
  requestHash: string,
): Promise<FirstAnswer | null> {
  const inserted: unknown[] = await tx.query(
    `INSERT INTO idempotency_keys (user_id, key, request_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1`,
    [userId, key, requestHash],
  );
  if (inserted.length === 1) return null;
  const [first]: { request_hash: string; hosting_id: string; operation_id: string }[] = await tx.query(
    `SELECT request_hash, hosting_id, operation_id FROM idempotency_keys WHERE user_id = $1 AND key = $2`,
    [userId, key],
  );
  if (first?.request_hash !== requestHash) {
    throw new EngineError('idempotency_key_reused');
  }
  return { hostingId: first.hosting_id, operationId: first.operation_id };
}

export async function rememberAnswer(
  tx: Tx,
  userId: number,
  key: string,
  answer: FirstAnswer,
): Promise<void> {
  await tx.query(
    `UPDATE idempotency_keys SET hosting_id = $3, operation_id = $4 WHERE user_id = $1 AND key = $2`,
    [userId, key, answer.hostingId, answer.operationId],
  );
}
