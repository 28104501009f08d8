/**
 * Access tokens: JWT, HS256 and nothing else, for this service and from this service, with an end. Each names the key
 * that signed it (`kid`), the session it opens (`jti`) and the user's session version (`ver`).
 */
import { createSecretKey, type KeyObject, randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { EngineError } from '../base/errors';
import { keyId } from '../base/key-id';

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
  const { kid, key } = keyOf(secret);
  return jwt.sign({ ver: user.sessionVersion }, key, {
    algorithm: 'HS256',
    keyid: kid,
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
    const signed = secrets.map(keyOf).find(({ kid }) => kid === named);
    if (signed === undefined) throw new Error('signed with a key that is not known here');
    const claims = jwt.verify(token, signed.key, {
      algorithms: ['HS256'],
      issuer,
      audience,
      complete: false,
    });
    return factsOf(typeof claims === 'object' ? claims : {});
  } catch (cause) {
    throw unauthorized(cause);
  }
}

export function unauthorized(cause?: unknown): EngineError {
  return new EngineError('unauthorized', 'The access token is not valid; sign in again', { cause });
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

interface SigningKey {
  /** Its name in the header of a token. */
  readonly kid: string;
  readonly key: KeyObject;
}

const keys = new Map<string, SigningKey>();

/**
 * Made once for each of the few secrets there are: jsonwebtoken, given text, tries it as a public key first, with every
 * token, and that took a third of the processor that reading a hosting took.
 */
function keyOf(secret: string): SigningKey {
  const known = keys.get(secret) ?? {
    kid: keyId(secret, 'access token').toString('hex'),
    key: createSecretKey(Buffer.from(secret)),
  };
  keys.set(secret, known);
  return known;
}
