/** Who changed what, from where, and how it went. */
import type { AuditEntry, AuditFilter, AuditRecord } from '../model/audit';
import { longestPage } from '../model/page';
import type { Database } from '../store/database';
import { insertAudit, listAudit } from '../store/audit';

export interface AuditLog {
  record(record: AuditRecord): Promise<void>;
  /** Newest first. The caller must be an administrator or an operator. */
  list(filter: AuditFilter): Promise<readonly AuditEntry[]>;
}

export function audit({ direct }: Database): AuditLog {
  return {
    record: (record) => insertAudit(direct, record),
    list: (filter) => listAudit(direct, { ...filter, limit: Math.min(filter.limit, longestPage) }),
  };
}
