/** Who did what, and when. */
import type { Page } from './page';

export interface AuditRecord {
  /** null if nobody was signed in. */
  readonly userId: number | null;
  /** A username, `operator NAME` for commands on the machine, `the service` itself, or `anonymous`. */
  readonly actor: string;
  readonly via: 'session' | 'token' | 'none' | 'machine';
  /** An operationId of the API, or the action of a command, e.g. `admin grant`. */
  readonly action: string;
  readonly target: string | null;
  /** Instead of `target`: the account with this address, if there is one. */
  readonly targetEmail?: string;
  /** `begun`: accepted and still running; its operation shows how it ends. */
  readonly outcome: 'begun' | 'done' | 'refused' | 'failed';
  /** An error code. */
  readonly code: string | null;
  /** `local` for actions on the machine itself. */
  readonly address: string | null;
  readonly requestId: string | null;
}

export interface AuditEntry extends Omit<AuditRecord, 'targetEmail'> {
  /** Later entries have higher IDs; a bigint in decimal. */
  readonly id: string;
  readonly at: Date;
}

export interface AuditFilter extends Page {
  readonly userId?: number;
  readonly action?: string;
}
