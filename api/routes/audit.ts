/** Who changed what. */
import { showAuditEntry } from '../account-views';
import { defineRoute, type Route } from '../route';
import { nextOf } from '../schemas/page';
import { auditPage, auditQuery } from '../schemas/audit';

const listAudit = defineRoute({
  name: 'listAudit',
  method: 'get',
  path: '/api/v1/admin/audit',
  tag: 'Administration',
  summary: 'Show the audit log, newest first',
  auth: 'admin',
  query: auditQuery,
  responses: { 200: { description: 'A page of the audit log', data: auditPage } },
  failures: [],
  async handle({ engine, query, answer }) {
    const { after, user_id: userId, action, limit } = query;
    const entries = await engine.audit.list({ after, userId, action, limit });
    const data = { entries: entries.map(showAuditEntry), next: nextOf(entries, query, ({ id }) => id) };
    return answer(200, { message: 'audit_listed', data });
  },
});

export const auditRoutes: readonly Route[] = [listAudit];
