/** Access tokens: JWT, HS256 and nothing else, for this service and from this service, with an end. */
import jwt from 'jsonwebtoken';
import { EngineError } from '../errors';

const issuer = 'vm-webhoster';
const audience = 'vm-webhoster-api';

export interface TokenSettings {
  readonly secret: string;
  readonly ttlSeconds: number;
}

export function issueToken(userId: number, { secret, ttlSeconds }: TokenSettings): string {
  return jwt.sign({}, secret, {
    algorithm: 'HS256',
    issuer,
    audience,
    subject: String(userId),
    expiresIn: ttlSeconds,
  });
}

export interface TokenFacts {
  readonly userId: number;
  /** To the second, rounded down. */
  readonly issuedAt: Date;
}

/** @throws {EngineError} unauthorized */
export function verifyToken(token: string, { secret }: TokenSettings): TokenFacts {
  try {
    const claims = jwt.verify(token, secret, { algorithms: ['HS256'], issuer, audience, complete: false });
    const { exp, iat, sub = '' } = typeof claims === 'object' ? claims : {};
    // Number() alone would take '' for 0 and '0x7' for 7
    const userId = typeof exp === 'number' && /^[1-9]\d*$/.test(sub) ? Number(sub) : NaN;
    if (Number.isSafeInteger(userId) && typeof iat === 'number')
      return { userId, issuedAt: new Date(iat * 1000) };
  } catch (cause) {
    throw new EngineError('unauthorized', 'The access token is not valid; log in again', { cause });
  }
  throw new EngineError('unauthorized', 'The access token is not valid; log in again');
}
