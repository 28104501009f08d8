/** The connected parts that run operations and look after them. */
import type { EventBus } from './events';
import type { Runner } from './runner';
import type { Parts } from './parts';

export interface EngineParts {
  readonly parts: Parts;
  readonly bus: EventBus;
  readonly runner: Runner;
}
