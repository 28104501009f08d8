/**
 * Whoever reads the output may have seen enough (`| head`): what a command does goes on to its end without a word, what
 * only shows may stop.
 */
const reading = new AbortController();

/** Call it once, before anything is printed. */
export function bearClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      reading.abort();
    });
}

/** Nobody reads any more. */
export function isOutputClosed(): boolean {
  return reading.signal.aborted;
}
