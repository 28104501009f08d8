/** Ages, as they are shown and as they are typed. */
import { InvalidArgumentError } from 'commander';

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
] as const;

/** How long ago something was, to its two largest units: `42s`, `3m 5s`, `2d 4h`. */
export function ageOf(moment: Date, now: Date): string {
  let rest = Math.max(0, Math.round((now.getTime() - moment.getTime()) / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of units) {
    if (rest >= seconds || parts.length > 0) parts.push(`${Math.floor(rest / seconds)}${unit}`);
    rest %= seconds;
  }
  return [...parts, `${rest}s`].slice(0, 2).join(' ');
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };
const unitNames = '(?:s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)';
const typedAge = new RegExp(`^(?:\\d{1,6} ?${unitNames} ?)+$`);

/**
 * An age as people type it: `90d`, `12 h`, `2 weeks`, `1h30m`.
 *
 * @returns seconds. @throws {InvalidArgumentError}
 */
export function readAge(text: string): number {
  const typed = text.trim().toLowerCase();
  if (!typedAge.test(typed)) throw new InvalidArgumentError('must be an age, such as 30m, 12h, 90d or 2w');
  return [...typed.matchAll(/(\d+) ?([a-z])[a-z]*/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (unitSeconds[unit] ?? 0),
    0,
  );
}
