/** Host names and e-mail addresses as people type and paste them. */
import { domainToASCII } from 'node:url';
import { isDnsName } from './dns-names';

/** Before `domainToASCII`, which would also read percent signs, ports and addresses in other notations. */
const hostCharacters = /^[\p{L}\p{M}\p{N}.-]{1,253}$/u;
const topLevel = /^([a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;
/** RFC 5322's dot-atom: what stands before the @ without quotes. */
const mailbox = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** RFC 5321's longest path, less the angle brackets. */
export const longestEmail = 254;

/**
 * Lower-cases A to Z only. `toLowerCase` also turns the Kelvin sign into k, and İ into two characters: texts that are
 * different would compare as equal.
 */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Compares texts as people read them: ignoring case, full width, ligatures and composition. */
export function alike(a: string, b: string): boolean {
  return foldedText(a) === foldedText(b);
}

/** For comparisons only; never stored, and never a key. */
export function foldedText(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/**
 * A host name in its ASCII form, in lower case; the scheme, a slash after the name and a trailing dot are removed.
 *
 * @returns null for anything but a name with a top-level domain: an address, a port, a path, a wildcard
 */
export function readHostName(text: string): string | null {
  const given = text
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/\/$/, '')
    .replace(/\.$/, '');
  if (!hostCharacters.test(given)) return null;
  const name = domainToASCII(given);
  return isDnsName(name) && topLevel.test(name.slice(name.lastIndexOf('.') + 1)) ? name : null;
}

/**
 * An e-mail address without surrounding white space, its domain in ASCII and lower case. The part before the @ stays
 * as it is: only its own server knows whose it is.
 *
 * @returns null if it is not an address, or more than an address
 */
export function readEmail(text: string): string | null {
  const given = text.trim();
  const at = given.lastIndexOf('@');
  const [who, where] = [given.slice(0, at), given.slice(at + 1)];
  if (at < 1 || who.length > 64 || !mailbox.test(who) || /[$%]\{/.test(who) || where.includes('/'))
    return null;
  const domain = readHostName(where);
  const email = `${who}@${domain ?? ''}`;
  return domain === null || email.length > longestEmail ? null : email;
}
