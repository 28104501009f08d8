/** How the service does: counts, and the state of its parts. */
import type { HostingStatus, SpareState } from './hosting';
import type { OperationKind, OperationStatus } from './operation';

/** Counts that only the machine knows that the VMs are on. */
export interface MachineMetrics {
  /** Domains of libvirt by their state; null when libvirt does not answer. Those without our mark are not counted. */
  readonly vms: readonly { readonly state: string; readonly count: number }[] | null;
  /** Of the file system that VMs' disks are on; null when it cannot be told. */
  readonly pool: { readonly freeBytes: number; readonly totalBytes: number } | null;
  /** Workers of Nginx that only wait for their last visitors; null where Nginx runs in a container of its own. */
  readonly draining: readonly { readonly nginx: 'pages' | 'ssh'; readonly count: number }[] | null;
}

/** How the service does, as counts. Every kind and status is there, with 0 where there is none. */
export interface Metrics extends MachineMetrics {
  /** Those that have not ended, and the stuck ones. */
  readonly operations: readonly { kind: OperationKind; status: OperationStatus; count: number }[];
  /** Seconds since the oldest operation of a status was accepted; 0 when there is none. */
  readonly oldestOperations: readonly { status: OperationStatus; seconds: number }[];
  /** Those that have not ended. */
  readonly hostings: readonly { status: HostingStatus; count: number }[];
  /** VMs that nobody owns yet. */
  readonly spares: readonly { state: SpareState; count: number }[];
  /** What the newest sweep found; null before the first one. */
  readonly sweep: { ageSeconds: number; findings: readonly { kind: string; count: number }[] } | null;
  readonly sshPorts: { used: number; total: number };
  /** Of running hostings: how many differ, whose last look failed, and since when the one looked at longest ago was. */
  readonly drift: { hostings: number; failedLooks: number; oldestLookSeconds: number };
  /** What waits to be worked on, and for how long the first of it could have been taken; 0 when there is none. */
  readonly queue: { readonly waiting: number; readonly running: number; readonly oldestSeconds: number };
  /** Rights to work on a stack: held now, and left behind by an owner that did not give them back. */
  readonly leases: { readonly held: number; readonly expired: number };
  /** In use or wanted. */
  readonly certificates: readonly {
    readonly name: string;
    /** null when there is none yet. */
    readonly secondsLeft: number | null;
    /** Tries in a row that failed. */
    readonly failures: number;
  }[];
  /** What took how long, added up since the beginning and over all workers. */
  readonly measures: readonly Measured[];
}

export interface Measured {
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Upper bound in seconds -> how many took at most so long. */
  readonly buckets: readonly { readonly atMost: number; readonly count: number }[];
  readonly count: number;
  readonly seconds: number;
}

// prettier-ignore
export const componentNames = [
  'postgres', 'queue', 'redis', 'libvirt', 'network', 'vms', 'nginx', 'terraform', 'disk',
] as const;

export interface ComponentHealth {
  /** redis only where one is configured. */
  readonly name: (typeof componentNames)[number];
  readonly status: 'ok' | 'degraded' | 'down';
  readonly latencyMs: number;
  /** e.g. a version, or what to do about it. */
  readonly detail: string;
}
