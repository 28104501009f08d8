/** Accounts' tokens and the audit log as the API shows them. */
import type { z } from 'zod';
import type { ApiToken, AuditEntry, SignedIn } from '../engine';
import type { FailureCode } from './http-error';
import type { tokenView } from './schemas/account';
import type { auditEntryView } from './schemas/audit';
import type { apiTokenView } from './schemas/token';
import { showUser } from './views';

export function showSession(signedIn: SignedIn): z.output<typeof tokenView> {
  return {
    access_token: signedIn.accessToken,
    token_type: 'bearer',
    expires_in: signedIn.expiresInSeconds,
    user: showUser(signedIn.user),
  };
}

export function showApiToken(token: ApiToken): z.output<typeof apiTokenView> {
  const { id, name, prefix, scopes, createdAt, expiresAt, lastUsedAt } = token;
  return {
    id,
    name,
    prefix,
    scopes: [...scopes],
    created_at: createdAt.toISOString(),
    expires_at: expiresAt.toISOString(),
    last_used_at: lastUsedAt?.toISOString() ?? null,
  };
}

export function showAuditEntry(entry: AuditEntry): z.output<typeof auditEntryView> {
  const { id, at, userId, actor, via, action, target, outcome, code, address, requestId } = entry;
  return {
    ...{ id, at: at.toISOString(), user_id: userId, actor, via, action, target, outcome },
    code: code as FailureCode | null,
    address,
    request_id: requestId,
  };
}
