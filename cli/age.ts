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
