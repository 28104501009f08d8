/** Seeing an operation through that the service works on, over connections that may break. */
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import type { operationAnswer } from '../../api/schemas/operation';
import { EngineError } from '../../engine';
import type { Client } from './client';
import { ServiceUnreachable } from './errors';

export type SentOperation = z.output<typeof operationAnswer>['operation'];

export interface Patience {
  readonly signal: AbortSignal;
  /** Waits before coming back to a service that went away, in ms: some 40 s cover a restart. */
  readonly comeBackMs?: readonly number[];
}

const aRestart = [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000];

/**
 * Follows until it has ended, and comes back when the connection breaks.
 *
 * @throws {EngineError} why it did not succeed, or when the service stays away
 */
export async function followOperation(
  client: Client,
  id: string,
  { signal, comeBackMs = aRestart }: Patience,
  onProgress: (message: string) => void = () => undefined,
): Promise<void> {
  let seen: string | null = null;
  for (let tries = 0; ;) {
    try {
      for await (const event of client.events(`/operations/${id}/events`, seen)) {
        [seen, tries] = [event.id, 0];
        onProgress((JSON.parse(event.data) as { message: string }).message);
      }
      const { operation } = await client.data<{ operation: SentOperation }>('GET', `/operations/${id}`);
      if (hasEnded(operation)) return expectSuccess(operation);
    } catch (thrown) {
      if (!(thrown instanceof ServiceUnreachable) || tries >= comeBackMs.length) throw thrown;
    }
    await delay(comeBackMs[tries++] ?? 0, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

/** What a run says, from its beginning; a connection that breaks is taken up where it was. */
export async function* followLog(
  client: Client,
  id: string,
  { signal, comeBackMs = aRestart }: Patience,
): AsyncGenerator<string> {
  let told = 0;
  for (let tries = 0; ;) {
    try {
      let position = 0;
      for await (const event of client.events(`/runs/${id}/log`, null)) {
        const { text } = JSON.parse(event.data) as { text: string };
        const fresh = text.slice(Math.max(0, told - position));
        position += text.length;
        if (fresh === '') continue;
        [told, tries] = [position, 0];
        yield fresh;
      }
      const { run } = await client.data<{ run: { finished_at: string | null } }>('GET', `/runs/${id}`);
      if (run.finished_at !== null) return;
    } catch (thrown) {
      if (!(thrown instanceof ServiceUnreachable) || tries >= comeBackMs.length) throw thrown;
    }
    await delay(comeBackMs[tries++] ?? 0, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

function hasEnded({ status }: SentOperation): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'stuck';
}

function expectSuccess({ status, failure }: SentOperation): void {
  if (status !== 'succeeded') throw new EngineError(failure?.code ?? 'internal', failure?.message);
}
