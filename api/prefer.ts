/** RFC 7240 `Prefer`: how long the client wants to wait for an operation. */

export interface WaitPreference {
  readonly seconds: number;
  /** For the Preference-Applied header; undefined when the client named no preference we know. */
  readonly applied: string | undefined;
}

/**
 * Reads `wait=N` and `respond-async`.
 *
 * A preference is never an error: what cannot be read is ignored, and a longer wait than allowed is shortened
 * (the answer says to what). `respond-async, wait=5` waits 5 s, as the RFC's example does.
 *
 * @param longest seconds; both the default and the cap
 */
export function readWaitPreference(header: string | undefined, longest: number): WaitPreference {
  const named = new Map<string, string>();
  for (const part of (header ?? '').split(',')) {
    const [name = '', value = ''] = (part.split(';', 1)[0] ?? '').split('=', 2).map((piece) => piece.trim());
    // The first of two wins, says the RFC.
    if (!named.has(name.toLowerCase())) named.set(name.toLowerCase(), value.replaceAll('"', ''));
  }
  const wait = named.get('wait');
  const async = named.has('respond-async');
  if (wait !== undefined && /^\d{1,9}$/.test(wait)) {
    const seconds = Math.min(Number(wait), longest);
    return { seconds, applied: async ? `respond-async, wait=${seconds}` : `wait=${seconds}` };
  }
  return async ? { seconds: 0, applied: 'respond-async' } : { seconds: longest, applied: undefined };
}
