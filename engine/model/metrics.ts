/** The condition of the service: counts, and the state of its components. */
import type { HostingStatus, SpareState } from './hosting';
import type { OperationKind, OperationStatus } from './operation';

/** Counts that only the machine that runs the VMs knows. */
export interface MachineMetrics {
  /** libvirt domains by state; null if libvirt does not answer. Domains without our mark are not counted. */
  readonly vms: readonly { readonly state: string; readonly count: number }[] | null;
  /** Of the file system that holds the disks of VMs; null if unknown. */
  readonly pool: { readonly freeBytes: number; readonly totalBytes: number } | null;
  /** Nginx workers that are shutting down; null if Nginx runs in its own container. */
  readonly draining: readonly { readonly nginx: 'pages' | 'ssh'; readonly count: number }[] | null;
}

/** One thing that the service looks at again and again. */
export interface ReconcilerMetrics {
  readonly name: string;
  /** Seconds since its last look ended. */
  readonly ageSeconds: number;
  /** Whether that look failed, or the next one is overdue. */
  readonly failed: boolean;
}

/** Counts of the service. Every kind and status is included, with 0 if there is none. */
export interface Metrics extends MachineMetrics {
  /** Unfinished operations, and stuck ones. */
  readonly operations: readonly { kind: OperationKind; status: OperationStatus; count: number }[];
  /** Seconds since the oldest operation with a status was accepted; 0 if there is none. */
  readonly oldestOperations: readonly { status: OperationStatus; seconds: number }[];
  /** Hostings that have not ended. */
  readonly hostings: readonly { status: HostingStatus; count: number }[];
  /** VMs without an owner. */
  readonly spares: readonly { state: SpareState; count: number }[];
  /** Findings of the latest sweep; null before the first one. */
  readonly sweep: { ageSeconds: number; findings: readonly { kind: string; count: number }[] } | null;
  readonly sshPorts: { used: number; total: number };
  /** Of running hostings: how many differ, how many checks failed last, and the age of the oldest successful check. */
  readonly drift: { hostings: number; failedLooks: number; oldestLookSeconds: number };
  /** Jobs that wait and run, and how long the first waiting one has been due; 0 if there is none. */
  readonly queue: { readonly waiting: number; readonly running: number; readonly oldestSeconds: number };
  /** Leases on stacks: held now, and expired without having been released. */
  readonly leases: { readonly held: number; readonly expired: number };
  /** Of the workers that have reported lately. */
  readonly reconcilers: readonly ReconcilerMetrics[];
  /** In use or wanted. */
  readonly certificates: readonly {
    readonly name: string;
    /** null if there is none yet. */
    readonly secondsLeft: number | null;
    /** Consecutive failed tries. */
    readonly failures: number;
  }[];
  /** Durations, added up since the beginning and over all workers. */
  readonly measures: readonly Measured[];
}

export interface Measured {
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Upper bound in seconds, and how many took at most that long. */
  readonly buckets: readonly { readonly atMost: number; readonly count: number }[];
  readonly count: number;
  readonly seconds: number;
}

// prettier-ignore
export const componentNames = [
  'postgres', 'queue', 'redis', 'reconcilers', 'libvirt', 'network', 'vms', 'nginx', 'terraform', 'disk',
] as const;

export interface ComponentHealth {
  /** redis only if it is configured. */
  readonly name: (typeof componentNames)[number];
  readonly status: 'ok' | 'degraded' | 'down';
  readonly latencyMs: number;
  /** e.g. a version, or what to do. */
  readonly detail: string;
}
