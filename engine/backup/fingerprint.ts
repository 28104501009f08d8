/** Tells whether a key is the one of back then, and nothing else about it. */
import { hkdfSync } from 'node:crypto';
import type { Config } from '../base/config';

export interface KeyFingerprints {
  readonly STATE_KEY: string;
  readonly JWT_SECRET: string;
}

export function keyFingerprints(config: Pick<Config, 'STATE_KEY' | 'JWT_SECRET'>): KeyFingerprints {
  return {
    STATE_KEY: fingerprint(config.STATE_KEY, 'STATE_KEY'),
    JWT_SECRET: fingerprint(config.JWT_SECRET, 'JWT_SECRET'),
  };
}

/** 64 bits of HKDF-SHA-256 under a label of their own, in hex: what seals and signs is derived under others. */
function fingerprint(key: string, label: string): string {
  return Buffer.from(hkdfSync('sha256', key, 'vm-webhoster', `backup fingerprint ${label} v1`, 8)).toString(
    'hex',
  );
}
