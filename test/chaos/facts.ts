/** What is known of one case when it is over. */
import type { Case } from './cases';
import type { Hosting } from './traces';
import type { Start, Write } from './witness';

/** Somebody was hit. Times are epoch, ms. */
export interface Hit {
  readonly at: number;
  /** The worker; null when it was a program of its. */
  readonly worker: { readonly pid: number; readonly name: string } | null;
  /** Frozen: when it went on, and whether it then found its lease lost. */
  readonly woken: { readonly at: number; readonly refused: boolean } | null;
}

/** A plan, apply or destroy as the engine recorded it; one whose worker died has no end. */
export interface Run {
  readonly kind: string;
  readonly startedAt: number;
  readonly finishedAt: number | null;
}

export interface Facts {
  readonly it: Case;
  readonly hosting: Hosting | null;
  readonly operationId: string | null;
  readonly hits: readonly Hit[];
  /** `ready`: it ran and served, and then was deleted. `gone`: nothing was left of it when the operation ended. */
  readonly ended: 'ready' | 'gone' | 'neither';
  readonly orphans: readonly string[];
  readonly starts: readonly Start[];
  readonly writes: readonly Write[];
  readonly runs: readonly Run[];
  /** VMs of this hosting that ran at once, at most. */
  readonly mostEmulators: number;
  /** What did not come to its end. */
  readonly problems: readonly string[];
  readonly seconds: number;
}
