/**
 * In whose name something is done, for what is accepted on the way: an operation that one person asks for may belong to
 * another, and many calls lie between the command and the row.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const acting = new AsyncLocalStorage<string>();

/** @param name  a username, or such as `operator mina` */
export function actingAs<T>(name: string, work: () => T): T {
  return acting.run(name, work);
}

/** Null where nobody asked: the service itself does it. */
export function currentActor(): string | null {
  return acting.getStore() ?? null;
}
