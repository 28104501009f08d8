/** The audit log of the fake engine. */
import type { AuditEntry, Engine } from '../../../engine';
import type { Broken } from './broken';
import type { People } from './people';

export function fakeAudit(audited: AuditEntry[], people: People, broken: Broken): Engine['audit'] {
  return {
    record: async ({ targetEmail, ...record }) => {
      broken.at('audit');
      const known = targetEmail === undefined ? undefined : people.withEmail(targetEmail);
      const target = record.target ?? (known === undefined ? null : `user ${known.user.id}`);
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
