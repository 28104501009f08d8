/** What the service, or the way to it, answers instead of data; each text says what to do next. */
import { EngineError, type ErrorCode, errorCodes } from '../../engine';

/** The service cannot be reached, or cannot take work now: the same command may succeed later. */
export class ServiceUnreachable extends EngineError {
  constructor(message: string, cause?: unknown) {
    super('internal', message, { retryable: true, cause });
  }
}

/** Reasons of Node's, by their code, for which no connection came about. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused. Is the service running, and is the port right?',
  ENOTFOUND: 'the host name does not exist. Check --url',
  EAI_AGAIN: 'the host name cannot be resolved now. Check --url and your network',
  EHOSTUNREACH: 'no route to this host. Check your network',
  ENETUNREACH: 'no route to this host. Check your network',
  ECONNRESET: 'the connection was interrupted. Try again',
  UND_ERR_SOCKET: 'the connection was interrupted. Try again',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time. Check --url and your network',
};

/** @param thrown  by `fetch`, or while its body was read */
export function unreachable(url: string, thrown: unknown): ServiceUnreachable {
  if ((thrown as { name?: unknown } | null)?.name === 'TimeoutError')
    return new ServiceUnreachable(`${url} did not answer in time. Try again, or check --url`, thrown);
  const { code, message } = rootOf(thrown);
  const reason =
    reasons[code] ??
    (/CERT|SSL|TLS|SELF_SIGNED/.test(code) ? `its certificate is not trusted: ${message}` : message);
  return new ServiceUnreachable(`${url} cannot be reached: ${reason}`, thrown);
}

function rootOf(thrown: unknown): { code: string; message: string } {
  const error = thrown as { code?: unknown; message?: unknown; cause?: unknown; errors?: unknown[] } | null;
  const inner = error?.cause ?? error?.errors?.[0];
  if (inner !== undefined) return rootOf(inner);
  return { code: String(error?.code ?? ''), message: String(error?.message ?? thrown) };
}

export interface Refusal {
  readonly status: number;
  /** The answer's JSON; null when it is none of ours. */
  readonly body: { message?: unknown; error?: { code?: unknown; details?: unknown } } | null;
  readonly retryAfter: string | null;
}

/** @param signedIn  whether a token was sent */
export function refusal(url: string, { status, body, retryAfter }: Refusal, signedIn: boolean): EngineError {
  const said = typeof body?.message === 'string' ? body.message.replace(/\.$/, '') : null;
  if (status === 401)
    return new EngineError('unauthorized', `${whyNotSignedIn(signedIn)}: webhoster login --url ${url}`);
  if (status >= 300 && status < 400)
    return new EngineError(
      'internal',
      `${url} redirects elsewhere (${status}). Use the address that it redirects to as --url`,
    );
  if (said === null && status < 500)
    return new EngineError(
      'internal',
      `${url} is not the API of vm-webhoster: it answered ${status}. Check --url`,
    );
  if (said === null) return new ServiceUnreachable(`${url} answered ${status}. Try again in a minute`);
  if (status === 403)
    return new EngineError(
      'forbidden',
      `${said}. Sign in with an account that is allowed to (webhoster login), or ask an administrator`,
    );
  const wait = retryAfter !== null && /^\d+$/.test(retryAfter) ? ` Try again in ${retryAfter} s` : '';
  if (status === 429 || status === 503)
    return new ServiceUnreachable(`${said}.${wait || ' Try again in a minute'}`);
  return new EngineError(codeOf(body?.error?.code), [said, ...fieldsOf(body?.error?.details)].join('; '));
}

function whyNotSignedIn(signedIn: boolean): string {
  return signedIn
    ? 'The token is not valid or has expired. Sign in again'
    : 'Not signed in. Set WEBHOSTER_TOKEN, or sign in';
}

function codeOf(code: unknown): ErrorCode {
  return errorCodes.find((known) => known === code) ?? 'internal';
}

/** What was wrong with each field of a request. */
function fieldsOf(details: unknown): string[] {
  const { fields } = (details ?? {}) as { fields?: { field: string; message: string }[] };
  return Array.isArray(fields) ? fields.map(({ field, message }) => `${field} ${message}`) : [];
}
