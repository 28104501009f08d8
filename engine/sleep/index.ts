/** VMs that nobody visits are saved to disk, and woken by their next visitor. */
export { waker } from './doors/waker';
export { letIdleSleep } from './keep-idle-asleep';
export type { SleepInput } from './sleep-hosting';
export { acceptSleep, acceptWake, sleep, type Sleep, wakeFor } from './sleep';
export { wakeSteps, type WakeInput } from './wake-hosting';
export { sleepRoom } from './room';
