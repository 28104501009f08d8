/** How the service does, as counts. What is counted is 0 rather than absent, so that an alert can tell none from unknown. */
import { type HostingStatus, spareStates } from '../model/hosting';
import type { MachineMetrics, Metrics } from '../model/metrics';
import { operationKinds, type OperationStatus } from '../model/operation';
import { bucketBounds, type MeasureName, measureNames, type Parts } from '../durable';
import { machineMetrics } from './metrics-of-machine';
import { queueDepth } from '../store/queue-depth';
import { findingKinds } from '../sweep';
import {
  certificateCounts,
  leaseCounts,
  livingHostingCounts,
  newestSweepCounts,
  type OpenOperations,
  openOperations,
  usedSshPorts,
} from '../store/counts';
import { driftCounts } from '../store/drift';
import { allMeasures, type Measure } from '../store/measures';
import { spareCounts } from '../store/spares';
import { isLate, lastLooks } from './reconcilers';
import { type FreshReport, freshReports } from '../store/worker-reports';

export interface MetricsSource {
  read(): Promise<Metrics>;
}

/** As the worker says that spoke last: an API has nothing of the machine's beside it. */
function reportedMachine([newest]: readonly FreshReport[]): MachineMetrics {
  return newest?.machine ?? { vms: null, pool: null, draining: null };
}

type SweepCount = NonNullable<Metrics['sweep']>['findings'][number];

const openStatuses: readonly OperationStatus[] = ['pending', 'running', 'unwinding', 'stuck'];
const livingStatuses: readonly HostingStatus[] = ['creating', 'running', 'sleeping', 'stopped', 'deleting'];

export function metrics(parts: Pick<Parts, 'config' | 'database' | 'inventory'>): MetricsSource {
  const { config, database } = parts;
  const machine = machineMetrics(parts);
  const total = config.SSH_PORT_MAX - config.SSH_PORT_MIN + 1;
  return {
    read: async () => {
      const tx = database.direct;
      const reading = freshReports(tx);
      const [
        open,
        living,
        spares,
        sweep,
        used,
        drift,
        queue,
        leases,
        certificates,
        measured,
        reports,
        ofMachine,
      ] = await Promise.all([
        openOperations(tx),
        livingHostingCounts(tx),
        spareCounts(tx),
        newestSweepCounts(tx),
        usedSshPorts(tx),
        driftCounts(tx),
        queueDepth(tx),
        leaseCounts(tx),
        certificateCounts(tx, config.TLS_MODE),
        allMeasures(tx),
        reading,
        config.ROLE === 'api' ? reading.then(reportedMachine) : machine(),
      ]);
      return {
        ...ofOperations(open),
        hostings: livingStatuses.map(
          (status) => living.find((each) => each.status === status) ?? { status, count: 0 },
        ),
        spares: spareStates.map(
          (state) => spares.find((each) => each.state === state) ?? { state, count: 0 },
        ),
        sweep: sweep && { ...sweep, findings: ofFindings(sweep.findings) },
        sshPorts: { used, total },
        drift,
        queue,
        leases,
        certificates,
        reconcilers: (lastLooks(reports) ?? []).map((look) => ({
          name: look.name,
          ageSeconds: look.seconds,
          failed: look.failure !== null || isLate(look),
        })),
        measures: ofMeasures(measured),
        ...ofMachine,
      };
    },
  };
}

/** A kind that this version does not know stays: another one wrote it. */
function ofFindings(found: readonly SweepCount[]): SweepCount[] {
  const kinds = new Set([...Object.keys(findingKinds), ...found.map(({ kind }) => kind)]);
  return [...kinds].map((kind) => found.find((each) => each.kind === kind) ?? { kind, count: 0 });
}

function ofOperations(open: readonly OpenOperations[]): Pick<Metrics, 'operations' | 'oldestOperations'> {
  return {
    operations: operationKinds.flatMap((kind) =>
      openStatuses.map((status) => ({
        kind,
        status,
        count: open.find((each) => each.kind === kind && each.status === status)?.count ?? 0,
      })),
    ),
    oldestOperations: openStatuses.map((status) => ({
      status,
      seconds: Math.max(0, ...open.filter((each) => each.status === status).map((each) => each.seconds)),
    })),
  };
}

/** What an older version measured, by other names or bounds, is left out. */
function ofMeasures(measured: readonly Measure[]): Metrics['measures'] {
  return measured.flatMap(({ name, labels, buckets, count, seconds }) => {
    if (!(name in measureNames) || buckets.length !== bucketBounds.length + 1) return [];
    let sum = 0;
    const upTo = bucketBounds.map((atMost, index) => ({ atMost, count: (sum += buckets[index] ?? 0) }));
    return [{ name, help: measureNames[name as MeasureName], labels, buckets: upTo, count, seconds }];
  });
}
