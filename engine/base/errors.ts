/**
 * The one error the engine throws on purpose. Transport-neutral: api/ turns the code into a status, the CLI into
 * an exit code. `message` is public and never holds a path, a secret or Terraform's raw output; the whole
 * story travels in `cause` and ends in the log.
 */
export const errorCodes = [
  // the caller's
  'validation_failed',
  'unauthorized',
  'invalid_credentials',
  'too_many_attempts',
  'wrong_password',
  'forbidden',
  'not_found',
  'hosting_not_found',
  'operation_not_found',
  'run_not_found',
  'token_not_found',
  'domain_not_found',
  'domain_taken',
  'domain_not_proved',
  'too_many_domains',
  'too_many_operations',
  'email_taken',
  'username_taken',
  'username_retired',
  'quota_exceeded',
  'hosting_exists',
  'ports_exhausted',
  'addresses_exhausted',
  'node_full',
  'idempotency_key_reused',
  'not_cancellable',
  'not_ended',
  'hosting_busy',
  'not_an_orphan',
  // the operation's
  'cancelled',
  'synthesis_failed',
  'plan_failed',
  'plan_refused',
  'plan_changed',
  'apply_failed',
  'disk_lost',
  'domain_lost',
  'guest_unreachable',
  'proxy_refused',
  'proxy_unreachable',
  // the machine's
  'image_missing',
  'image_source_unreachable',
  'image_build_failed',
  'node_not_ready',
  'libvirt_unavailable',
  'isolation_failed',
  'disk_full',
  'memory_exhausted',
  'terraform_missing',
  'database_unavailable',
  'lease_lost',
  'config_invalid',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface EngineErrorOptions {
  /** Worth trying again without any change: another try may find the part back. @default false */
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** Field-level or rule-level facts that are safe to show. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    readonly code: ErrorCode,
    publicMessage: string,
    options: EngineErrorOptions = {},
  ) {
    super(publicMessage, { cause: options.cause });
    this.retryable = options.retryable ?? false;
    this.details = options.details;
  }
}

/**
 * Any thrown thing as an EngineError. A lost database connection, which may surface in any query, is told as such;
 * what is not ours becomes `internal` and keeps its story as cause.
 */
export function toEngineError(
  thrown: unknown,
  code: ErrorCode = 'internal',
  message = 'An internal error occurred',
): EngineError {
  if (thrown instanceof EngineError) return thrown;
  if (isDatabaseOutage(thrown)) return databaseUnavailable(thrown);
  return new EngineError(code, message, { cause: thrown });
}

export function databaseUnavailable(cause: unknown): EngineError {
  return new EngineError('database_unavailable', 'The database does not answer; try again in a minute', {
    retryable: true,
    cause,
  });
}

/** SQLSTATE of a server that goes down or comes up (57P01-57P03) or has no connection left (53300); class 08 is the connection. */
const outageStates = /^(57P0[123]|53300|08...)$/;
/** What `pg` says, without any code, of a connection that ended or could not be had in time. */
const outageWords =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error)/;

/** True for what `pg` throws when the server is away; TypeORM keeps its code and its words. */
function isDatabaseOutage(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const { code, syscall, query } = thrown as { code?: unknown; syscall?: unknown; query?: unknown };
  if (typeof code === 'string' && outageStates.test(code)) return true;
  if (outageWords.test(thrown.message)) return true;
  // a socket's own error: pg's connect, or a query that TypeORM wrapped
  return (
    (syscall === 'connect' || typeof query === 'string') &&
    typeof code === 'string' &&
    /^(ECONN|EPIPE|ENOENT|ETIMEDOUT)/.test(code)
  );
}
