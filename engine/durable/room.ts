/** What a room adds to a worker. */
import type { Reconciler } from '../base/every';
import type { EngineParts } from './engine-parts';

/** Begins to look at something again and again; null where the settings want nothing of it. */
export type Keeper = (engine: EngineParts) => Reconciler | null;

export interface Room<Definition> {
  /** Registered with the runner. */
  readonly operations: readonly Definition[];
  readonly keepers: readonly Keeper[];
}
