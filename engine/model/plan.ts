/** What Terraform would do, and what it did. */
import type { DriftFound } from './hosting';

export type ChangeAction = 'create' | 'update' | 'replace' | 'delete';

export interface AttributeChange {
  /** At the top level of the resource, e.g. `memory`. */
  readonly name: string;
  /** Any JSON; `(sensitive)` in the place of secrets, null where there is none. */
  readonly before: unknown;
  readonly after: unknown;
  /** Known only after the apply; `after` is null then. */
  readonly unknown: boolean;
  /** This attribute is why the resource is replaced. */
  readonly forcesReplace: boolean;
}

/** What a plan does to one resource. */
export interface ResourceChange {
  readonly address: string;
  readonly type: string;
  readonly action: ChangeAction;
  /** Of updates and replacements: what differs. Empty where a resource is made or goes away as a whole. */
  readonly attributes: readonly AttributeChange[];
}

export interface PlanReport {
  readonly operationId: string;
  /** null where no plan was possible: the disk is gone, and `differences` says so. */
  readonly runId: string | null;
  readonly at: Date;
  /** Everything that differs, also what Terraform does not see, one line each; agreeing to a plan means these. */
  readonly differences: readonly string[];
  /** What an apply of the plan would do; values that are sensitive are masked, here and below. */
  readonly changes: readonly ResourceChange[];
  /** As Terraform shows it, without colours. */
  readonly text: string;
  /** Terraform's plan JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** One plan, apply or destroy of a stack. */
export interface Run {
  readonly id: string;
  readonly stackId: string;
  readonly operationId: string | null;
  readonly kind: 'plan' | 'apply' | 'destroy';
  /** The machine that it ran on. */
  readonly host: string;
  /** Name -> version, e.g. `terraform` -> `Terraform 1.11.4`. */
  readonly tools: Readonly<Record<string, string>>;
  /** null where the service itself asked. */
  readonly requestedBy: string | null;
  readonly startedAt: Date;
  /** null while it runs, and when its worker died. */
  readonly finishedAt: Date | null;
  readonly exitCode: number | null;
  /** The whole run first, then each resource: a waterfall. */
  readonly phases: readonly { readonly phase: string; readonly startMs: number; readonly ms: number }[];
  readonly changes: readonly ResourceChange[];
}

export interface RunDetail extends Run {
  /** Without colours and secrets. */
  readonly log: string;
  readonly planText: string | null;
  /** Terraform's plan JSON, masked; only of plans. */
  readonly plan: Readonly<Record<string, unknown>> | null;
}

export interface HostingDrift extends DriftFound {
  readonly hostingId: string;
  /** One that sleeps is not looked at: its VM is off, and is meant to be. */
  readonly isAsleep: boolean;
  readonly vmName: string;
  readonly username: string;
}

export interface ApplyInput {
  /** Makes an empty disk where the user's is gone; without it such an apply is refused. */
  readonly recreateDisk: boolean;
  /** The differences that somebody was shown and agreed to; null applies whatever is found. */
  readonly agreed: readonly string[] | null;
}
