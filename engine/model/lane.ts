/** `quick` is for what is done in a second: it has workers of its own and never waits behind a boot. */
export type Lane = 'boots' | 'quick';
