/** Writes text/event-stream: heartbeats, backpressure, and an end that comes when the events end. */
import { once } from 'node:events';
import type { Response } from 'express';

export interface ServerSentEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: unknown;
}

/** How soon a browser's EventSource comes back after a cut. */
const RETRY_MS = 3000;

/** One event on the wire; JSON keeps `data` on one line, and a line break in id or event would forge a field. */
export function formatEvent({ id, event, data }: ServerSentEvent): string {
  const single = (value: string): string => value.replace(/[\r\n\0]/g, ' ');
  const idLine = id === undefined ? '' : `id: ${single(id)}\n`;
  return `${idLine}event: ${single(event)}\ndata: ${JSON.stringify(data)}\n\n`;
}

export interface StreamOptions {
  readonly status: number;
  readonly heartbeatMs: number;
  readonly signal: AbortSignal;
  /** The last event when the source breaks: the status line has long been sent. */
  readonly onFailure: (thrown: unknown) => ServerSentEvent;
}

/** Resolves when the stream is over, whoever ended it. The source must end when `signal` fires. */
export async function writeEventStream(
  response: Response,
  events: AsyncIterable<ServerSentEvent>,
  { status, heartbeatMs, signal, onFailure }: StreamOptions,
): Promise<void> {
  response
    .status(status)
    .set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
  response.flushHeaders();
  response.write(`retry: ${RETRY_MS}\n\n`);
  const heartbeat = setInterval(() => response.write(': heartbeat\n\n'), heartbeatMs);
  try {
    for await (const event of events) {
      if (signal.aborted) break;
      if (!response.write(formatEvent(event))) await once(response, 'drain', { signal });
    }
  } catch (thrown) {
    if (!signal.aborted) response.write(formatEvent(onFailure(thrown)));
  } finally {
    clearInterval(heartbeat);
    response.end();
  }
}
