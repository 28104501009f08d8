/**
 * The one error the engine throws on purpose. Transport-neutral: api/ turns the code into a status, the CLI into
 * an exit code. `message` is public and never holds a path, a secret or Terraform's raw output; the whole
 * story travels in `cause` and ends in the log.
 */
import { type ErrorCode, errorTexts } from './error-texts';

export { type ErrorCode, errorCodes, errorTexts } from './error-texts';

export interface EngineErrorOptions {
  /** Retrying without any change may succeed, since the failed part may be back by then. @default false */
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** Field-level or rule-level facts that are safe to show. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  /** @param publicMessage  English; only where it says more than the catalogue's text of the code */
  constructor(
    readonly code: ErrorCode,
    publicMessage: string = errorTexts[code].en,
    options: EngineErrorOptions = {},
  ) {
    super(publicMessage, { cause: options.cause });
    this.retryable = options.retryable ?? false;
    this.details = options.details;
  }
}

/**
 * Turns anything thrown into an EngineError. A lost database connection, which can surface in any query, is reported as
 * such; any other foreign error becomes `internal`, with the original as its cause.
 */
export function toEngineError(thrown: unknown, code: ErrorCode = 'internal', message?: string): EngineError {
  if (thrown instanceof EngineError) return thrown;
  if (isDatabaseOutage(thrown)) return databaseUnavailable(thrown);
  return new EngineError(code, message, { cause: thrown });
}

export function databaseUnavailable(cause: unknown): EngineError {
  return new EngineError('database_unavailable', undefined, { retryable: true, cause });
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
