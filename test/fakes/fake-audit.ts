/** The audit log of the fake engine. */
import type { AuditEntry, Engine, User } from '../../engine';

/** @param userOf  asked with every record, also with one of nobody; may throw */
export function fakeAudit(
  audited: AuditEntry[],
  userOf: (email: string | undefined) => User | undefined,
): Engine['audit'] {
  return {
    record: async ({ targetEmail, ...record }) => {
      const known = userOf(targetEmail);
      const target = record.target ?? (known === undefined ? null : `user ${known.id}`);
      audited.push({ ...record, target, id: String(audited.length + 1), at: new Date() });
    },
    list: async ({ after, limit, userId, action }) =>
      audited
        .filter(({ id }) => after === undefined || BigInt(id) < BigInt(after))
        .filter((entry) => userId === undefined || entry.userId === userId)
        .filter((entry) => action === undefined || entry.action === action)
        .reverse()
        .slice(0, limit),
  };
}
