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

/** @returns the user's id. @throws {EngineError} unauthorized */
export function verifyToken(token: string, { secret }: TokenSettings): number {
  try {
    const claims = jwt.verify(token, secret, { algorithms: ['HS256'], issuer, audience, complete: false });
    const { exp, sub = '' } = typeof claims === 'object' ? claims : {};
    // Number() alone would take '' for 0 and '0x7' for 7
    const id = typeof exp === 'number' && /^[1-9]\d*$/.test(sub) ? Number(sub) : NaN;
    if (Number.isSafeInteger(id)) return id;
  } catch (cause) {
    throw new EngineError('unauthorized', 'The access token is not valid; log in again', { cause });
  }
  throw new EngineError('unauthorized', 'The access token is not valid; log in again');
}
