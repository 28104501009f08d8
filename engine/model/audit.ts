/** Who did what, and when. */
import type { Page } from './page';

export interface AuditRecord {
  /** null where nobody had signed in. */
  readonly userId: number | null;
  /** A username, `operator NAME` of the machine, `the service` of its own accord, or `anonymous`. */
  readonly actor: string;
  readonly via: 'session' | 'token' | 'none' | 'machine';
  /** An operationId of the API, or what a command did, e.g. `admin grant`. */
  readonly action: string;
  readonly target: string | null;
  /** Instead of `target`: the account of this address, if there is one. */
  readonly targetEmail?: string;
  /** `begun`: accepted, and going on; its operation tells how it ends. */
  readonly outcome: 'begun' | 'done' | 'refused' | 'failed';
  /** An error code. */
  readonly code: string | null;
  /** `local` for what is done on the machine itself. */
  readonly address: string | null;
  readonly requestId: string | null;
}

export interface AuditEntry extends Omit<AuditRecord, 'targetEmail'> {
  /** Grows; a bigint in decimal. */
  readonly id: string;
  readonly at: Date;
}

export interface AuditFilter extends Page {
  readonly userId?: number;
  readonly action?: string;
}
