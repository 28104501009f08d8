/** Passwords that match every pattern and are refused all the same. Usernames: engine/accounts/reserved-usernames.ts. */
import { foldedText } from '../../engine';

/**
 * The head of the public lists of leaked passwords, kept to those that the length rule lets through.
 * Short on purpose: bcrypt and the length do the work; this stops what is tried first.
 */
const commonPasswords: ReadonlySet<string> = new Set(
  `1234567890 12345678910 0123456789 0987654321 9876543210 123456789a a123456789 123456789q 1q2w3e4r5t 1q2w3e4r5t6y
  1qaz2wsx3edc qazwsxedcrfv qwertyuiop qwertyuiop123 qwerty12345 qwerty123456 qwerty1234 asdfghjkl123 asdfghjkl1
  zxcvbnm123 password12 password123 password1234 password12345 password123! p@ssword123 p@ssw0rd123 passw0rd123
  passwordpassword iloveyou123 iloveyou12 welcome123 welcome1234 letmein123 letmein1234 changeme123 changemenow
  administrator admin12345 admin123456 superman123 football123 baseball123 sunshine123 princess123 dragon12345
  monkey12345 abcdefghij abcd123456 abc1234567 abcdefg123 trustno1234 whatever123 michael123 qwe123qwe123 123qweasdzxc
  1234qwerasdf qwer1234asdf testtest123 test123456 secret12345 q1w2e3r4t5y6 147258369a 1122334455 123123123a
  default123`.split(/\s+/),
);

/** What this service is about, and what accounts are called: who guesses begins here. Documented in docs/accounts.md. */
export const contextWords =
  `vm web webhoster webhosting webserver website host hosting hoster terraform libvirt ubuntu
  debian nginx virtual machine server admin administrator root user login password passwort welcome test my the`.split(
    /\s+/,
  );

const contextWord = new RegExp(contextWords.join('|'));
const nothingElse = new RegExp(`^(?:${contextWords.join('|')}|[^\\p{L}])+$`, 'u');

/**
 * True for a listed password, however it is capitalised and whatever its letters' width, for one character typed again and again, and for what is made
 * of nothing but this service's own words, digits and signs: `Webhoster2026!`.
 */
export function isCommonPassword(password: string): boolean {
  const folded = foldedText(password);
  if (commonPasswords.has(folded) || new Set(folded).size === 1) return true;
  return contextWord.test(folded) && nothingElse.test(folded);
}
