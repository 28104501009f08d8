/**
 * In whose name something is done, for what is accepted on the way: an operation that one person asks for may belong to
 * another, and many calls lie between the command and the row.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** A command on the machine itself. */
export interface Command {
  /** Who gives it, such as `operator mina`. */
  readonly who: string;
  /** Lets go of what runs; another worker goes on. */
  readonly handover: AbortSignal;
}

const acting = new AsyncLocalStorage<string>();

/** @param name  a username, or such as `operator mina` */
export function actingAs<T>(name: string, work: () => T): T {
  return acting.run(name, work);
}

/** Null where nobody asked: the service itself does it. */
export function currentActor(): string | null {
  return acting.getStore() ?? null;
}
