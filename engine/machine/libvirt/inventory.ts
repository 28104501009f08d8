import type { CloudInitData } from './cloud-init-disk';

/** What really exists on a node, and its removal where Terraform can no longer do it. */
export interface Inventory {
  /** What carries this hosting's name, whoever made it and whether or not Terraform's state knows of it. */
  find(names: StackNames): Promise<Remains>;
  /** Removes a domain, running or not; its absence is success. */
  removeDomain(name: string): Promise<void>;
  /** Removes a volume of the pool; its absence is success. */
  removeVolume(pool: string, name: string): Promise<void>;
  /** `running`, `shut off`, `saved` (off, and its memory is on the disk), … or null when there is no such domain. */
  domainState(name: string): Promise<string | null>;
  /**
   * Saves a VM that runs, its memory with it, and gives the memory back; libvirt starts it no more by itself. One that
   * is off stays so. Repeating it changes nothing.
   *
   * @throws {EngineError} vm_lost, disk_full, libvirt_unavailable
   */
  save(name: string, signal: AbortSignal): Promise<void>;
  /**
   * Starts a VM where it was saved, else from its disk; libvirt starts it with the machine from now on. One that runs
   * stays as it is.
   *
   * @throws {EngineError} vm_lost, memory_exhausted, libvirt_unavailable
   */
  start(name: string, signal: AbortSignal): Promise<void>;
  /** Throws the saved memory of a VM away, so that its next start is a boot; its absence is success. */
  forgetSaved(name: string): Promise<void>;
  /** Everything on the node that could be of this installation, whose pool this is. */
  survey(pool: string): Promise<Survey>;
  /** What the domain will have at its next start, whatever it runs with now; null when there is no such domain. */
  domainConfig(name: string): Promise<DomainConfig | null>;
  /** True when pool and network are there and active. */
  nodeActive(pool: string, network: string): Promise<boolean>;
  /**
   * Puts other data on the cloud-init disk of a VM that may run; the guest sees it at its next start. Repeating it
   * changes nothing.
   *
   * @throws {EngineError} guest_unreachable when the disk is gone or has too little room
   */
  rewriteCloudInit(pool: string, name: string, data: CloudInitData): Promise<void>;
  /** Of the node. */
  memory(): Promise<NodeMemory>;
  /** Group that QEMU runs as, where libvirt says so. */
  hypervisorGroup(): Promise<number | undefined>;
  /** e.g. `libvirt 9.0.0`. @throws {EngineError} libvirt_unavailable */
  version(): Promise<string>;
}

/** What no write can take back: see guarded.ts. */
export const irreversibleOfInventory = [
  'removeDomain',
  'removeVolume',
  'save',
  'start',
  'forgetSaved',
  'rewriteCloudInit',
] as const satisfies readonly (keyof Inventory)[];

export interface StackNames {
  /** null where the stack has none. */
  readonly domain: string | null;
  readonly pool: string;
  readonly volumes: readonly string[];
}

export interface Remains {
  /** The domain's name, if it exists. */
  readonly domain: string | null;
  readonly volumes: readonly string[];
}

export interface Survey {
  readonly domains: readonly SurveyedDomain[];
  /** Names of all volumes of the pool, whoever made them; none when there is no such pool, null when it is off. */
  readonly volumes: readonly string[] | null;
}

export interface SurveyedDomain {
  readonly name: string;
  /** e.g. `running`, `shut off`, `saved` */
  readonly state: string;
  /** Why it is paused, where it is: `user`, `I/O error`, … */
  readonly reason: string | null;
  /** It runs without a definition, and is gone when it ends. */
  readonly isTransient: boolean;
  /** From the mark that our stacks put into a domain's metadata; null when it has none for this pool: it is foreign. */
  readonly hostingId: string | null;
}

export interface NodeMemory {
  readonly totalMiB: number;
  /** That nobody uses; what caches hold counts as unused. */
  readonly freeMiB: number;
}

export interface DomainConfig {
  readonly memoryMiB: number;
  readonly vcpus: number;
}
