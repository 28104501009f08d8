/**
 * Access tokens: JWT, HS256 and nothing else, for this service and from this service, with an end. Each names the key
 * that signed it (`kid`), the session it opens (`jti`) and the user's session version (`ver`).
 */
import { randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { EngineError } from '../errors';
import { keyId } from '../key-id';

const issuer = 'vm-webhoster';
const audience = 'vm-webhoster-api';

export interface TokenSettings {
  /** The first signs; tokens of the others are good until they end. */
  readonly secrets: readonly [string, ...string[]];
  readonly ttlSeconds: number;
}

export interface TokenFacts {
  readonly userId: number;
  readonly sessionId: string;
  /** Of the user, when it was issued. */
  readonly sessionVersion: number;
  /** To the second, rounded down. */
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

export function issueToken(
  user: Pick<TokenFacts, 'userId' | 'sessionVersion'>,
  { secrets: [secret], ttlSeconds }: TokenSettings,
): string {
  return jwt.sign({ ver: user.sessionVersion }, secret, {
    algorithm: 'HS256',
    keyid: kid(secret),
    issuer,
    audience,
    subject: String(user.userId),
    jwtid: randomUUID(),
    expiresIn: ttlSeconds,
  });
}

/** @throws {EngineError} unauthorized */
export function verifyToken(token: string, { secrets }: TokenSettings): TokenFacts {
  try {
    const named = jwt.decode(token, { complete: true })?.header.kid;
    const secret = secrets.find((each) => kid(each) === named);
    if (secret === undefined) throw new Error('signed with a key that is not known here');
    const claims = jwt.verify(token, secret, { algorithms: ['HS256'], issuer, audience, complete: false });
    return factsOf(typeof claims === 'object' ? claims : {});
  } catch (cause) {
    throw new EngineError('unauthorized', 'The access token is not valid; log in again', { cause });
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function factsOf({ exp, iat, jti = '', sub = '', ver }: jwt.JwtPayload): TokenFacts {
  // Number() alone would take '' for 0 and '0x7' for 7
  const userId = /^[1-9]\d*$/.test(sub) ? Number(sub) : NaN;
  if (!Number.isSafeInteger(userId)) throw new Error('no user');
  if (typeof exp !== 'number' || typeof iat !== 'number') throw new Error('no beginning or no end');
  if (!uuid.test(jti) || !Number.isSafeInteger(ver)) throw new Error('no session');
  return {
    userId,
    sessionId: jti,
    sessionVersion: ver as number,
    issuedAt: new Date(iat * 1000),
    expiresAt: new Date(exp * 1000),
  };
}

/** Of the few secrets there are: each request asks for one. */
const kids = new Map<string, string>();

function kid(secret: string): string {
  const known = kids.get(secret) ?? keyId(secret, 'access token').toString('hex');
  kids.set(secret, known);
  return known;
}
