/** What this room adds to a worker. */
import type { Room } from '../durable';
import type { Definition } from '../stack';
import { sleepHosting } from './sleep-hosting';
import { wakeHosting } from './wake-hosting';
import { keepDoors } from './doors/keep-doors';
import { reconcileIdle } from './keep-idle-asleep';

export const sleepRoom: Room<Definition> = {
  operations: [sleepHosting, wakeHosting],
  keepers: [keepDoors, ({ parts }) => reconcileIdle(parts)],
};
