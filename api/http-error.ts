/** The one place where an error becomes an HTTP status, and where it is decided what of it may be seen. */
import { EngineError, toEngineError, type ErrorCode } from '../engine';
import type { Text } from './language';

/** Errors of the transport itself; the engine never throws these. */
export const httpErrorCodes = [
  'malformed_json',
  'malformed_request',
  'payload_too_large',
  'unsupported_media_type',
  'method_not_allowed',
  'insufficient_scope',
  'session_required',
  'rate_limited',
  'cross_site_refused',
  'too_many_at_once',
  'not_ready',
] as const;
export type HttpErrorCode = (typeof httpErrorCodes)[number];
export type FailureCode = ErrorCode | HttpErrorCode;

/**
 * The status of every code; a code without one does not compile.
 *
 * What an operation failed with uses the same table, by who is at fault: 502 when a part behind us (Terraform,
 * libvirt, Nginx) refused or broke the work, 504 when the VM was made but did not answer in time, 503 when the
 * machine cannot take the work now and the same request may succeed later, 500 when our own part is wrong.
 */
export const statusOf: Readonly<Record<FailureCode, number>> = {
  validation_failed: 400,
  unauthorized: 401,
  invalid_credentials: 401,
  too_many_attempts: 429,
  // Not 401: the caller's token is good, and clients throw theirs away at a 401.
  wrong_password: 403,
  forbidden: 403,
  not_found: 404,
  hosting_not_found: 404,
  operation_not_found: 404,
  run_not_found: 404,
  token_not_found: 404,
  domain_not_found: 404,
  domain_taken: 409,
  domain_not_proved: 409,
  too_many_domains: 409,
  too_many_operations: 429,
  not_ended: 409,
  hosting_busy: 409,
  email_taken: 409,
  username_taken: 409,
  username_retired: 409,
  // Not 429: waiting does not help, deleting the hosting does.
  quota_exceeded: 409,
  hosting_exists: 409,
  ports_exhausted: 409,
  addresses_exhausted: 409,
  node_full: 507,
  // As draft-ietf-httpapi-idempotency-key-header says for a key sent again with another payload.
  idempotency_key_reused: 422,
  not_cancellable: 409,
  not_an_orphan: 409,
  cancelled: 409,
  synthesis_failed: 500,
  plan_failed: 502,
  // The plan firewall stopped what we ourselves synthesized.
  plan_refused: 500,
  plan_changed: 409,
  disk_lost: 409,
  vm_lost: 409,
  apply_failed: 502,
  guest_unreachable: 504,
  proxy_refused: 502,
  proxy_unreachable: 503,
  image_missing: 503,
  image_source_unreachable: 503,
  image_build_failed: 503,
  node_not_ready: 503,
  libvirt_unavailable: 503,
  isolation_failed: 503,
  disk_full: 507,
  memory_exhausted: 503,
  terraform_missing: 503,
  database_unavailable: 503,
  lease_lost: 503,
  config_invalid: 500,
  internal: 500,
  malformed_json: 400,
  malformed_request: 400,
  payload_too_large: 413,
  unsupported_media_type: 415,
  method_not_allowed: 405,
  insufficient_scope: 403,
  session_required: 403,
  rate_limited: 429,
  cross_site_refused: 403,
  too_many_at_once: 429,
  not_ready: 503,
};

/** A part is away and comes back by itself: the caller is told when to ask again, and the log need not be told why. */
const outages: readonly FailureCode[] = [
  'database_unavailable',
  'libvirt_unavailable',
  'node_not_ready',
  'terraform_missing',
  'proxy_unreachable',
  'not_ready',
];

export function isOutage(thrown: unknown): thrown is EngineError | HttpError {
  return (thrown instanceof EngineError || thrown instanceof HttpError) && outages.includes(thrown.code);
}

export interface HttpErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
  /** @default the catalogue's text of the code */
  readonly text?: Text;
}

/** An error whose text is ours in every language, so that nothing of the request or of a library is repeated. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: Text | undefined;

  constructor(
    readonly code: FailureCode,
    options: HttpErrorOptions = {},
  ) {
    super(code, { cause: options.cause });
    this.details = options.details;
    this.headers = options.headers ?? {};
    this.text = options.text;
  }
}

/** What Express and its body parsers throw, by their `type`; anything else of status 400 is the URL's. */
const parserErrors: Readonly<Record<string, HttpErrorCode>> = {
  'entity.parse.failed': 'malformed_json',
  'entity.too.large': 'payload_too_large',
  'parameters.too.many': 'payload_too_large',
  'encoding.unsupported': 'unsupported_media_type',
  'charset.unsupported': 'unsupported_media_type',
  'request.size.invalid': 'malformed_request',
  'request.aborted': 'malformed_request',
};

/**
 * Any thrown thing as one of our two errors; a lost database is `database_unavailable`, and what is unknown is
 * `internal` and keeps its story as cause.
 */
export function toPublicError(thrown: unknown): EngineError | HttpError {
  if (thrown instanceof EngineError || thrown instanceof HttpError) return thrown;
  if (typeof thrown === 'object' && thrown !== null) {
    const { type, status } = thrown as { type?: unknown; status?: unknown };
    const code =
      typeof type === 'string' && Object.hasOwn(parserErrors, type) ? parserErrors[type] : undefined;
    // The cause is left out: body parsers put the body itself on their errors.
    if (code !== undefined) return new HttpError(code);
    if (status === 400) return new HttpError('malformed_request');
  }
  // A lost database surfaces in any query, as whatever its driver throws.
  const known = toEngineError(thrown);
  return known.code === 'internal' ? new HttpError('internal', { cause: thrown }) : known;
}
