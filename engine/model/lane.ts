/** `quick` is for operations that take a second: it has its own workers and never waits behind a boot. */
export type Lane = 'boots' | 'quick';
