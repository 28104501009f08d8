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
 * Lower case of A to Z alone. `toLowerCase` also turns the Kelvin sign into k, and İ into two characters: what is compared
 * afterwards would have been something else before.
 */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** For comparing what people would take for the same: capitals, full-width letters, ligatures, composed or not. */
export function alike(a: string, b: string): boolean {
  return foldedText(a) === foldedText(b);
}

/** Never stored, and never a key: for comparisons alone. */
export function foldedText(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/**
 * A host name in its ASCII form, in lower case; the scheme, the slash behind it and the dot at the end are taken off.
 *
 * @returns null for what is no name with a top level domain: an address, a port, a path, a wildcard
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
 * An e-mail address without the space around it, its domain in ASCII and lower case. What stands before the @ stays as
 * it is: whose it is, only their own server knows.
 *
 * @returns null for what is none, or is more than an address
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
