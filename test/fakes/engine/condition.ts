/** How the fake engine says it is: healthy, with a little of everything to count. */
import type { ComponentHealth, Engine, Metrics } from '../../../engine';
import type { Broken } from './broken';

/** Tests change it. */
export interface Condition {
  ready: boolean;
  components: readonly ComponentHealth[];
  numbers: Metrics;
}

// prettier-ignore
const parts = [
  'postgres', 'queue', 'reconcilers', 'libvirt', 'network', 'vms', 'nginx', 'terraform', 'disk',
] as const;

export function healthy(): Condition {
  return {
    ready: true,
    components: parts.map((name) => ({ name, status: 'ok', latencyMs: 1.5, detail: 'fake' })),
    numbers,
  };
}

export function fakeHealth(condition: Condition, broken: Broken): Engine['health'] {
  return {
    basic: async () => {
      broken.at('basic');
      return condition.ready;
    },
    detailed: async () => {
      broken.at('detailed');
      return condition.components;
    },
  };
}

export function fakeMetrics(condition: Condition, broken: Broken): Engine['metrics'] {
  return {
    read: async () => {
      broken.at('metrics');
      return condition.numbers;
    },
  };
}

const numbers: Metrics = {
  operations: [{ kind: 'delete-hosting', status: 'stuck', count: 2 }],
  oldestOperations: [{ status: 'stuck', seconds: 61.5 }],
  hostings: [{ status: 'running', count: 7 }],
  spares: [{ state: 'waiting', count: 2 }],
  sweep: { ageSeconds: 12, findings: [{ kind: 'domain', count: 1 }] },
  sshPorts: { used: 7, total: 10_001 },
  drift: { hostings: 3, failedLooks: 1, oldestLookSeconds: 90.5 },
  queue: { waiting: 3, running: 1, oldestSeconds: 4.5 },
  leases: { held: 1, expired: 0 },
  vms: [{ state: 'running', count: 7 }],
  pool: { freeBytes: 1000, totalBytes: 4000 },
  draining: [{ nginx: 'ssh', count: 3 }],
  reconcilers: [{ name: 'sweep', ageSeconds: 3.5, failed: false }],
  certificates: [{ name: 'pages.example.org', secondsLeft: 60.5 * 86_400, failures: 0 }],
  measures: [
    {
      name: 'operations',
      help: 'Operations that ended.',
      labels: { kind: 'create-hosting', outcome: 'succeeded' },
      buckets: [
        { atMost: 1, count: 2 },
        { atMost: 10, count: 5 },
      ],
      count: 6,
      seconds: 42.5,
    },
  ],
};
