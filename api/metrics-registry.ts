/** The engine's counts under the names that Prometheus is given. */
import { Gauge, type Metric, Registry } from 'prom-client';
import type { Metrics } from '../engine';

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A registry of its own for each reading, so that a label that is gone leaves nothing behind. */
export function registryOf(metrics: Metrics): Registry {
  const registry = new Registry();
  const gauge = (name: string, help: string, samples: readonly Sample[]): void => {
    const labelNames = Object.keys(samples[0]?.labels ?? {});
    const made = new Gauge({ name: `webhoster_${name}`, help, labelNames, registers: [registry] });
    for (const { labels, value } of samples) made.set({ ...labels }, value);
  };
  const one = (name: string, help: string, value: number): void => {
    gauge(name, help, [{ labels: {}, value }]);
  };

  gauge(
    'operations',
    'Operations that are unfinished or stuck.',
    metrics.operations.map(({ kind, status, count }) => ({ labels: { kind, status }, value: count })),
  );
  gauge(
    'operation_oldest_seconds',
    'Seconds since the oldest operation with this status was accepted.',
    metrics.oldestOperations.map(({ status, seconds }) => ({ labels: { status }, value: seconds })),
  );
  gauge(
    'hostings',
    'Hostings that have not ended.',
    metrics.hostings.map(({ status, count }) => ({ labels: { status }, value: count })),
  );
  gauge(
    'spares',
    'VMs that have no owner yet.',
    metrics.spares.map(({ state, count }) => ({ labels: { state }, value: count })),
  );
  one('ssh_ports_used', 'SSH ports in use by hostings.', metrics.sshPorts.used);
  one('ssh_ports', 'SSH ports available to hostings in total.', metrics.sshPorts.total);
  one(
    'drift_hostings',
    'Running hostings that differed from their specification at the last check.',
    metrics.drift.hostings,
  );
  one('drift_failed_looks', 'Running hostings whose latest drift check failed.', metrics.drift.failedLooks);
  one(
    'drift_oldest_look_seconds',
    'Seconds since the last successful drift check, for the running hosting where it was longest ago.',
    metrics.drift.oldestLookSeconds,
  );
  if (metrics.sweep !== null) {
    one('sweep_age_seconds', 'Seconds since the latest sweep.', metrics.sweep.ageSeconds);
    gauge(
      'sweep_findings',
      'Findings of the latest sweep, by kind.',
      metrics.sweep.findings.map(({ kind, count }) => ({ labels: { kind }, value: count })),
    );
  }
  machineGauges(metrics, gauge, one);
  for (const name of new Set(metrics.measures.map((each) => each.name)))
    registry.registerMetric(histogramOf(metrics.measures.filter((each) => each.name === name)));
  return registry;
}

function machineGauges(
  { queue, leases, vms, pool, draining, certificates, reconcilers }: Metrics,
  gauge: (name: string, help: string, samples: readonly Sample[]) => void,
  one: (name: string, help: string, value: number) => void,
): void {
  one('queue_jobs_waiting', 'Jobs waiting for a worker.', queue.waiting);
  one('queue_jobs_running', 'Jobs that a worker has taken.', queue.running);
  one(
    'queue_oldest_seconds',
    'Seconds that the first job in the queue has been waiting.',
    queue.oldestSeconds,
  );
  one('leases_held', 'Stacks that a worker holds a lease on.', leases.held);
  one('leases_expired', 'Leases that expired without being released: their workers died.', leases.expired);
  one('libvirt_up', '1 if libvirt answers, 0 if it does not.', vms === null ? 0 : 1);
  if (vms !== null)
    gauge(
      'vms',
      'VMs of this installation, by their state in libvirt.',
      vms.map(({ state, count }) => ({ labels: { state }, value: count })),
    );
  if (draining !== null)
    gauge(
      'nginx_draining_workers',
      'Nginx workers that are shutting down and only serve their remaining connections.',
      draining.map(({ nginx, count }) => ({ labels: { nginx }, value: count })),
    );
  if (pool !== null) {
    one('pool_free_bytes', 'Free space in the file system that holds the disks of VMs.', pool.freeBytes);
    one('pool_total_bytes', 'Size of the file system that holds the disks of VMs.', pool.totalBytes);
  }
  gauge(
    'reconciler_age_seconds',
    'Seconds since the last look of a reconciler ended.',
    reconcilers.map(({ name, ageSeconds }) => ({ labels: { name }, value: ageSeconds })),
  );
  gauge(
    'reconciler_failed',
    '1 if the last look of a reconciler failed or the next one is overdue, else 0.',
    reconcilers.map(({ name, failed }) => ({ labels: { name }, value: failed ? 1 : 0 })),
  );
  const having = certificates.flatMap(({ name, secondsLeft }) =>
    secondsLeft === null ? [] : [{ labels: { name }, value: secondsLeft }],
  );
  gauge('certificate_left_seconds', 'Seconds until a certificate expires.', having);
  gauge(
    'certificate_failures',
    'Consecutive failed attempts to obtain or renew a certificate.',
    certificates.map(({ name, failures }) => ({ labels: { name }, value: failures })),
  );
}

/** What was added up elsewhere, as prom-client's own histograms look; it has no way to set one. */
function histogramOf(measured: Metrics['measures']): Metric {
  const [{ name, help } = { name: '', help: '' }] = measured;
  const metricName = `webhoster_${name}_seconds`;
  const values = measured.flatMap(({ labels, buckets, count, seconds }) => [
    ...buckets.map((bucket) => ({
      metricName: `${metricName}_bucket`,
      labels: { ...labels, le: String(bucket.atMost) },
      value: bucket.count,
    })),
    { metricName: `${metricName}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${metricName}_sum`, labels, value: seconds },
    { metricName: `${metricName}_count`, labels, value: count },
  ]);
  const seen = { name: metricName, help, type: 'histogram', values, aggregator: 'sum' };
  return { ...seen, get: () => Promise.resolve(seen) } as unknown as Metric;
}
