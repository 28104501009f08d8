/** What the bench is doing, with the seconds since it began; the results alone go to standard output. */
const begun = performance.now();

export function progress(what: string): void {
  const seconds = ((performance.now() - begun) / 1000).toFixed(1).padStart(7);
  process.stderr.write(`${seconds} s  ${what}\n`);
}

/** @returns seconds that it took */
export async function seconds(act: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await act();
  return (performance.now() - from) / 1000;
}
