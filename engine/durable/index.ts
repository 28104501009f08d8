/** Durable operations: steps with undo, recorded, run under a lease, continued after a crash. */
export { accept, acceptHere } from './accept';
export type { HeldStep, OperationDefinition } from './definition';
export type { EngineParts } from './engine-parts';
export { type EventBus, eventConnection, postgresEventBus } from './events';
export { expectSuccess, finishOperation } from './finish';
export { graphileQueue, migrateQueue } from './graphile';
export { guarded, tracedPort } from './guarded';
export { kindsOf } from './kinds';
export { keepLease, leaseTtlMs } from './lease-keeper';
export { bucketBounds, type MeasureName, measureNames, measures, type Measures } from './measures';
export { hasEnded, operations, type Operations } from './operations';
export { type Given, oneWay, wordsFor } from './operation';
export type { Parts } from './parts';
export { operationRunner, type RunnerOptions } from './runner';
export { wakeWorker } from './wake-worker';
export { durableRoom } from './durable-room';
export type { Room } from './room';
