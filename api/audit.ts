/**
 * One record for each request that changes something or tries to: who, what, from where, how it went, under which
 * request id. A stranger who is turned away at a route for users has changed nothing and leaves no record; attempts to
 * register or to sign in do.
 */
import type { AuditRecord, Caller, Engine } from '../engine';
import { toPublicError, statusOf } from './http-error';
import type { Answer, Route } from './route';

export interface Attempt {
  readonly route: Route;
  readonly caller: Caller | undefined;
  readonly address: string;
  readonly requestId: string;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

type Ending = { readonly answer: Answer } | { readonly thrown: unknown };

/** @param onFailure  told when the record could not be written; the answer is given all the same */
export async function recordChange(
  engine: Engine,
  attempt: Attempt,
  ending: Ending,
  onFailure: (thrown: unknown) => void,
): Promise<void> {
  const { route, caller, address, requestId } = attempt;
  if (route.method === 'get' || route.changes === 'nothing' || isDryRun(attempt)) return;
  const code = 'thrown' in ending ? toPublicError(ending.thrown).code : null;
  // limits are there to keep work away, and a flood of records would be work
  if (code === 'rate_limited') return;
  const signedIn = caller?.user ?? userIn(ending);
  const record: AuditRecord = {
    userId: signedIn?.id ?? null,
    actor: signedIn?.username ?? 'anonymous',
    via: caller?.via.kind ?? 'none',
    action: route.name,
    target: targetOf(attempt, ending),
    ...(signedIn === null ? { targetEmail: emailIn(attempt.body) } : {}),
    outcome: code === null ? outcomeOf(ending) : statusOf[code] >= 500 ? 'failed' : 'refused',
    code,
    address,
    requestId,
  };
  await engine.audit.record(record).catch(onFailure);
}

/** Shows what would be done, and does nothing. */
function isDryRun({ query }: Attempt): boolean {
  return (query as { dry_run?: unknown } | undefined)?.dry_run === 'true';
}

/** What was accepted and is still being done is not done. */
function outcomeOf(ending: Ending): 'begun' | 'done' {
  return 'answer' in ending && ending.answer.status === 202 ? 'begun' : 'done';
}

/** Who a login or a registration turned out to be. */
function userIn(ending: Ending): { id: number; username: string } | null {
  const content = contentOf(ending);
  const user = content['user'] as { id?: unknown; username?: unknown } | undefined;
  if (typeof user?.id !== 'number' || typeof user.username !== 'string') return null;
  return { id: user.id, username: user.username };
}

/** Of an attempt that was refused; what is there has shorter names. */
const longestTarget = 255;

interface Named {
  readonly username?: unknown;
  readonly id?: unknown;
  readonly domain?: unknown;
}

/** What was named in the path, else the hosting, the token or the domain that the request or its answer is about. */
function targetOf({ params, body }: Attempt, ending: Ending): string | null {
  const inPath = (params ?? {}) as Named;
  const named = inPath.id ?? inPath.domain ?? inPath.username ?? ((body ?? {}) as Named).domain;
  // as it came, where it was refused: PostgreSQL takes no NUL in a text
  if (typeof named === 'string') return named.replaceAll('\0', '\ufffd').slice(0, longestTarget);
  const content = contentOf(ending);
  for (const part of ['hosting', 'api_token', 'operation']) {
    const id = (content[part] as { id?: unknown } | undefined)?.id;
    if (typeof id === 'string') return id;
  }
  return null;
}

function contentOf(ending: Ending): Record<string, unknown> {
  if ('thrown' in ending) return {};
  const { answer } = ending;
  const content: unknown = 'data' in answer ? answer.data : 'body' in answer ? answer.body : {};
  return (content ?? {}) as Record<string, unknown>;
}

function emailIn(body: unknown): string | undefined {
  const { email, username } = (body ?? {}) as { email?: unknown; username?: unknown };
  const given = email ?? username;
  return typeof given === 'string' ? given : undefined;
}
