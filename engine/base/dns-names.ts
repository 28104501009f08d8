/** Host names: which ones a certificate covers, and which ones a user can bring. */
import { isIP } from 'node:net';

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** @param pattern  a host name, or `*.` and one */
export function covers(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  return pattern.startsWith('*.') && host.slice(host.indexOf('.')) === pattern.slice(1) && isDnsName(host);
}

/** True if a public authority can issue a certificate for it: at least two labels, and not an IP address. */
export function isDnsName(host: string): boolean {
  const labels = host.split('.');
  return (
    host.length <= 253 && isIP(host) === 0 && labels.length > 1 && labels.every((each) => label.test(each))
  );
}

/** Domains that nobody can own: RFC 6761 and 6762, and names that only a local network knows. */
const local = new Set(['localhost', 'local', 'internal', 'invalid', 'onion', 'arpa', 'home', 'lan', 'corp']);

/**
 * Why a user cannot bring this domain; null if they can. International names come in their ASCII form (`xn--…`).
 *
 * @param own  host names of the service; domains below or above them are refused too
 */
export function domainRefusal(domain: string, own: readonly string[]): 'malformed' | 'reserved' | null {
  const labels = domain.split('.');
  const last = labels.at(-1) ?? '';
  if (!isDnsName(domain) || !/^([a-z]{2,63}|xn--[a-z0-9-]{1,59})$/.test(last)) return 'malformed';
  // `--` in this place is for punycode; anything else there may turn into a name that looks like another
  if (labels.some((each) => each.slice(2, 4) === '--' && !isPunycode(each))) return 'malformed';
  const near = (name: string): boolean =>
    domain === name || domain.endsWith(`.${name}`) || name.endsWith(`.${domain}`);
  return local.has(last) || own.some(near) ? 'reserved' : null;
}

/** A label that is what its Unicode form is written as: what does not survive the way there and back is a trick. */
function isPunycode(text: string): boolean {
  try {
    return text.startsWith('xn--') && new URL(`http://${text}.example`).hostname === `${text}.example`;
  } catch {
    return false;
  }
}
