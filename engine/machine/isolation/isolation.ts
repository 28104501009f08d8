import type { Fence } from './fence';
import type { HostAbilities } from './host-rules';

/** Fences on a node, and what its kernel can limit. */
export interface Isolation {
  /**
   * Puts filter and rules where they are missing or were changed. VMs that run are under the new ones at once.
   *
   * @returns false when all was in place, as far as this process has seen it before
   * @throws {EngineError} isolation_failed
   */
  put(fence: Fence): Promise<boolean>;
  /** Takes filter and rules away; their absence is success. A filter that a VM still uses stays. */
  remove(fence: Fence): Promise<void>;
  /** Which limits a VM of this node can start with; found out by starting one for a moment. */
  supportedLimits(network: string, signal?: AbortSignal): Promise<SupportedLimits>;
}

/** What no write can take back: see guarded.ts. */
export const irreversibleOfIsolation = ['remove'] as const satisfies readonly (keyof Isolation)[];

export interface SupportedLimits {
  /** The weight of one vCPU: the kernel's own default of 1024, or 100 under cgroup v2; null without cgroups. */
  readonly cpuShares: number | null;
  readonly network: boolean;
  /** What the host's rules can do here; absent where nobody has asked yet. */
  readonly host?: HostAbilities;
}
