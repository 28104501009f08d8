/** VMs that nobody visits are saved to disk, and woken by their next visitor. */
export { keepDoors } from './doors/keep-doors';
export { reconcileIdle } from './keep-idle-asleep';
export { sleepHosting, type SleepInput } from './sleep-hosting';
export { acceptSleep, acceptWake, sleep, type Sleep, wakeFor } from './sleep';
export { wakeHosting, wakeSteps, type WakeInput } from './wake-hosting';
