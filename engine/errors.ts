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
  'forbidden',
  'not_found',
  'hosting_not_found',
  'operation_not_found',
  'email_taken',
  'username_taken',
  'quota_exceeded',
  'ports_exhausted',
  'addresses_exhausted',
  'idempotency_key_reused',
  'not_cancellable',
  // the operation's
  'cancelled',
  'synthesis_failed',
  'plan_failed',
  'plan_refused',
  'apply_failed',
  'destroy_failed',
  'guest_unreachable',
  'proxy_refused',
  'proxy_unreachable',
  // the machine's
  'image_missing',
  'image_source_unreachable',
  'image_build_failed',
  'node_not_ready',
  'libvirt_unavailable',
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

/** Any thrown thing as an EngineError; what is not ours becomes `internal` and keeps its story as cause. */
export function toEngineError(
  thrown: unknown,
  code: ErrorCode = 'internal',
  message = 'Something failed inside the service',
): EngineError {
  return thrown instanceof EngineError ? thrown : new EngineError(code, message, { cause: thrown });
}
