/** When a certificate is to be renewed: what its authority says (ARI, RFC 9773), else at two thirds of its life. */
import type { CertificateFacts } from './certificate';

export interface RenewalWindow {
  readonly start: Date;
  readonly end: Date;
  /** When to ask again. */
  readonly askAgainAt: Date;
}

const defaultPauseMs = 6 * 3_600_000;
const shortestPauseMs = 60_000;
const longestPauseMs = 24 * 3_600_000;
const firstBackoffMs = 5 * 60_000;
const longestBackoffMs = 12 * 3_600_000;

export function atTwoThirds({ notBefore, notAfter }: Pick<CertificateFacts, 'notBefore' | 'notAfter'>): Date {
  return new Date(notBefore.getTime() + ((notAfter.getTime() - notBefore.getTime()) * 2) / 3);
}

/** A moment in the window, by chance, so that not everybody comes at once. @param chance  0 to 1 */
export function momentIn({ start, end }: RenewalWindow, chance: number): Date {
  return new Date(start.getTime() + (end.getTime() - start.getTime()) * chance);
}

/** How long an order is not tried again after so many failures in a row: 5 min, doubled up to 12 h. */
export function backoffMs(failures: number): number {
  return Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.max(0, failures - 1));
}

/**
 * An authority's answer, read.
 *
 * @param retryAfter  its Retry-After header, in seconds
 * @throws {Error} when it is none
 */
export function readRenewalInfo(body: unknown, retryAfter: string | null, now: Date): RenewalWindow {
  const { start, end } =
    (body as { suggestedWindow?: { start?: string; end?: string } } | null)?.suggestedWindow ?? {};
  const [from, to] = [new Date(start ?? NaN), new Date(end ?? NaN)];
  if (!(from.getTime() < to.getTime())) throw new Error('renewal information without a window');
  const seconds = Number(retryAfter ?? NaN);
  const pause = Number.isFinite(seconds)
    ? Math.min(longestPauseMs, Math.max(shortestPauseMs, seconds * 1000))
    : defaultPauseMs;
  return { start: from, end: to, askAgainAt: new Date(now.getTime() + pause) };
}
