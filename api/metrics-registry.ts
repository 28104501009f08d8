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
    'Operations that have not ended, and those that are stuck.',
    metrics.operations.map(({ kind, status, count }) => ({ labels: { kind, status }, value: count })),
  );
  gauge(
    'operation_oldest_seconds',
    'Seconds since the oldest operation of this status was accepted.',
    metrics.oldestOperations.map(({ status, seconds }) => ({ labels: { status }, value: seconds })),
  );
  gauge(
    'hostings',
    'Hostings that have not ended.',
    metrics.hostings.map(({ status, count }) => ({ labels: { status }, value: count })),
  );
  gauge(
    'spares',
    'VMs that nobody owns yet.',
    metrics.spares.map(({ state, count }) => ({ labels: { state }, value: count })),
  );
  one('ssh_ports_used', 'SSH ports that hostings hold.', metrics.sshPorts.used);
  one('ssh_ports', 'SSH ports that there are for hostings.', metrics.sshPorts.total);
  one(
    'drift_hostings',
    'Running hostings that differed from their specification at the last look.',
    metrics.drift.hostings,
  );
  one(
    'drift_failed_looks',
    'Running hostings whose newest look for drift failed.',
    metrics.drift.failedLooks,
  );
  one(
    'drift_oldest_look_seconds',
    'Seconds since the last look for drift that succeeded, of the running hosting where that is the longest ago.',
    metrics.drift.oldestLookSeconds,
  );
  if (metrics.sweep !== null) {
    one('sweep_age_seconds', 'Seconds since the newest sweep.', metrics.sweep.ageSeconds);
    gauge(
      'sweep_findings',
      'What the newest sweep found that no hosting owns.',
      metrics.sweep.findings.map(({ kind, count }) => ({ labels: { kind }, value: count })),
    );
  }
  machineGauges(metrics, gauge, one);
  for (const name of new Set(metrics.measures.map((each) => each.name)))
    registry.registerMetric(histogramOf(metrics.measures.filter((each) => each.name === name)));
  return registry;
}

function machineGauges(
  { queue, leases, vms, pool, draining, certificates }: Metrics,
  gauge: (name: string, help: string, samples: readonly Sample[]) => void,
  one: (name: string, help: string, value: number) => void,
): void {
  one('queue_jobs_waiting', 'Jobs that wait for a worker.', queue.waiting);
  one('queue_jobs_running', 'Jobs that a worker has taken.', queue.running);
  one('queue_oldest_seconds', 'Seconds that the first job in the queue has waited.', queue.oldestSeconds);
  one('leases_held', 'Stacks that somebody works on.', leases.held);
  one('leases_expired', 'Leases that ran out and were never given back: their workers died.', leases.expired);
  one('libvirt_up', '1 when libvirt answers, 0 when it does not.', vms === null ? 0 : 1);
  if (vms !== null)
    gauge(
      'vms',
      'VMs of this installation, by what libvirt says of them.',
      vms.map(({ state, count }) => ({ labels: { state }, value: count })),
    );
  if (draining !== null)
    gauge(
      'nginx_draining_workers',
      'Workers of Nginx that only wait for their last visitors.',
      draining.map(({ nginx, count }) => ({ labels: { nginx }, value: count })),
    );
  if (pool !== null) {
    one('pool_free_bytes', 'Room where the disks of VMs are.', pool.freeBytes);
    one('pool_total_bytes', 'Size of the file system where the disks of VMs are.', pool.totalBytes);
  }
  const having = certificates.flatMap(({ name, secondsLeft }) =>
    secondsLeft === null ? [] : [{ labels: { name }, value: secondsLeft }],
  );
  gauge('certificate_left_seconds', 'Seconds until a certificate runs out.', having);
  gauge(
    'certificate_failures',
    'Times in a row that a certificate could not be had or renewed.',
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
