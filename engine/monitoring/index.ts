/** Health, metrics and what a worker reports about itself. */
export { health, type Health } from './health';
export { reconcileLogs } from './keep-logs';
export { metrics, type MetricsSource } from './metrics';
export { type PartVersion, partVersions } from './part-versions';
export { reportWorker } from './report-worker';
export { monitoringRoom } from './room';
export { lookForTroubles } from './troubles';
