/** Probes until it holds. @throws when the deadline passes, naming what was waited for */
export async function until(
  timeoutMs: number,
  what: string,
  probe: () => Promise<boolean>,
  between?: () => void,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await probe())) {
    between?.();
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
