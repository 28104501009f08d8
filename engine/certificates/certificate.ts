/** A certificate with its key, made here or read. Keys are ECDSA on P-256 where they are ours. */
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509Certificate as ParsedCertificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { lowerAscii } from '../base/typed-names';

type Provider = Parameters<typeof cryptoProvider.set>[0];
cryptoProvider.set(webcrypto as unknown as Provider);

export interface KeyPair {
  /** PEM, the host's certificate first. */
  readonly chain: string;
  /** PEM, PKCS 8. A secret. */
  readonly key: string;
}

export interface CertificateFacts {
  /** Host names and addresses, in its order; a wildcard as `*.example.org`. */
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** What the authority knows it by (RFC 9773); null where it cannot be told. */
  readonly renewalId: string | null;
}

const dayMs = 86_400_000;

/** @param days  how long it is good for */
export async function makeSelfSigned(names: readonly string[], days: number, now: Date): Promise<KeyPair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: `00${randomBytes(16).toString('hex')}`,
    // a common name may have 64 characters; what counts are the names below
    name: `CN=${(names[0] ?? 'vm-webhoster').slice(0, 64)}`,
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date(now.getTime() + days * dayMs),
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = key.replace(/(.{64})(?=.)/g, '$1\n');
  return {
    chain: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
  };
}

/** @throws {Error} when the text is no certificate */
export function readCertificate(chain: string): CertificateFacts {
  const { subjectAltName = '', validFrom, validTo } = new X509Certificate(chain);
  return {
    names: [...subjectAltName.matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, name = '']) =>
      lowerAscii(name),
    ),
    notBefore: new Date(validFrom),
    notAfter: new Date(validTo),
    renewalId: renewalIdOf(chain),
  };
}

/** @throws {Error} when either cannot be read */
export function belongTogether({ chain, key }: KeyPair): boolean {
  return new X509Certificate(chain).checkPrivateKey(createPrivateKey(key));
}

/** RFC 9773, 4.1: the authority's key identifier, a dot, the serial number; both base64url. */
function renewalIdOf(chain: string): string | null {
  const parsed = new ParsedCertificate(chain);
  const authority = parsed.getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  if (authority === undefined) return null;
  // the serial number as DER has it: a leading bit that is set is kept from meaning a minus by a zero byte
  const serial = parsed.serialNumber.replace(/^(?=[89a-f])/, '00');
  return [authority, serial].map((hex) => Buffer.from(hex, 'hex').toString('base64url')).join('.');
}
