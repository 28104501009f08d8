/**
 * Notifies this process that an operation has a new event, whichever process wrote it: Postgres notifies, one
 * connection listens. A notification can be lost with its connection, so waiters also poll.
 */
import { Client } from 'pg';
import type { Log } from '../base/log';
import { eventChannel } from '../store/operations';

export interface EventBus {
  /** @returns ends the subscription */
  subscribe(operationId: string, listener: () => void): () => void;
  close(): Promise<void>;
}

/** Every process of the service holds a connection of this name, and nothing else does. */
export const eventConnection = 'vm-webhoster events';

const reconnectDelayMs = 1_000;

export async function postgresEventBus(connectionString: string, log: Log): Promise<EventBus> {
  const listeners = new Map<string, Set<() => void>>();
  let client: Client | null = null;
  let closed = false;

  const wake = (operationId: string | undefined): void => {
    const woken =
      operationId === undefined
        ? [...listeners.values()].flatMap((set) => [...set])
        : (listeners.get(operationId) ?? []);
    for (const listener of woken) listener();
  };
  const connect = async (): Promise<void> => {
    const next = new Client({ connectionString, keepAlive: true, application_name: eventConnection });
    next.on('error', (err) => {
      log.warn({ err }, 'event connection lost');
    });
    next.on('notification', (notification) => {
      wake(notification.payload);
    });
    try {
      await next.connect();
      await next.query(`LISTEN ${eventChannel}`);
    } catch (cause) {
      await next.end().catch(() => undefined);
      throw cause;
    }
    // not before: one that never came up ends as well, and each try would then be followed by two
    next.on('end', () => {
      if (!closed) setTimeout(() => void reconnect(), reconnectDelayMs);
    });
    client = next;
    if (closed) await next.end();
  };
  const reconnect = async (): Promise<void> => {
    if (closed) return;
    // on success, whoever waits may have missed something
    await connect().then(
      () => {
        wake(undefined);
      },
      () => setTimeout(() => void reconnect(), reconnectDelayMs),
    );
  };

  await connect();
  return {
    subscribe: (operationId, listener) => {
      const set = listeners.get(operationId) ?? new Set();
      listeners.set(operationId, set.add(listener));
      return () => {
        set.delete(listener);
        if (set.size === 0) listeners.delete(operationId);
      };
    },
    close: async () => {
      closed = true;
      await client?.end();
    },
  };
}
