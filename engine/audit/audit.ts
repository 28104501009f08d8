/** Who changed what, from where, and how it went. */
import type { Engine } from '../engine';
import { longestPage } from '../model/page';
import type { Database } from '../store/database';
import { insertAudit, listAudit } from '../store/audit';

export function audit({ direct }: Database): Engine['audit'] {
  return {
    record: (record) => insertAudit(direct, record),
    list: (filter) => listAudit(direct, { ...filter, limit: Math.min(filter.limit, longestPage) }),
  };
}
