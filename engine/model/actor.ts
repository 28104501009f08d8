/**
 * In whose name something is done, for operations that are accepted on the way: an operation that one person requests can
 * belong to another, and many calls lie between the command and the row.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** A command on the machine itself. */
export interface Command {
  /** Who gives it, such as `operator mina`. */
  readonly who: string;
  /** Hands over what is running; another worker continues it. */
  readonly handover: AbortSignal;
}

const acting = new AsyncLocalStorage<string>();

/** @param name  a username, or e.g. `operator mina` */
export function actingAs<T>(name: string, work: () => T): T {
  return acting.run(name, work);
}

/** Null if nobody asked: the service itself acts. */
export function currentActor(): string | null {
  return acting.getStore() ?? null;
}
