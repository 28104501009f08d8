/** The engine's counts under the names that Prometheus is given. */
import { Gauge, Registry } from 'prom-client';
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
  one('ssh_ports_total', 'SSH ports that there are for hostings.', metrics.sshPorts.total);
  if (metrics.sweep !== null) {
    one('sweep_age_seconds', 'Seconds since the newest sweep.', metrics.sweep.ageSeconds);
    gauge(
      'sweep_findings',
      'What the newest sweep found that no hosting owns.',
      metrics.sweep.findings.map(({ kind, count }) => ({ labels: { kind }, value: count })),
    );
  }
  return registry;
}
