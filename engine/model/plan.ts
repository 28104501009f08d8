/** What Terraform would do, and what it did. */
import type { DriftFound } from './hosting';

export type ChangeAction = 'create' | 'update' | 'replace' | 'delete';

export interface AttributeChange {
  /** A top-level attribute of the resource, e.g. `memory`. */
  readonly name: string;
  /** Any JSON; `(sensitive)` in place of secrets, null if there is none. */
  readonly before: unknown;
  readonly after: unknown;
  /** Known only after the apply; `after` is null then. */
  readonly unknown: boolean;
  /** The change of this attribute forces a replacement of the resource. */
  readonly forcesReplace: boolean;
}

/** What a plan does to one resource. */
export interface ResourceChange {
  readonly address: string;
  readonly type: string;
  readonly action: ChangeAction;
  /** Changed attributes of updates and replacements; empty if the whole resource is created or deleted. */
  readonly attributes: readonly AttributeChange[];
}

export interface PlanReport {
  readonly operationId: string;
  /** null if no plan was possible: the disk is gone, and `differences` says so. */
  readonly runId: string | null;
  readonly at: Date;
  /** All differences, including those that Terraform does not see, one line each; these are what a user agrees to. */
  readonly differences: readonly string[];
  /** What applying the plan would do; sensitive values are masked, here and below. */
  readonly changes: readonly ResourceChange[];
  /** The plan as Terraform prints it, without colours. */
  readonly text: string;
  /** Terraform's plan in JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** One plan, apply or destroy of a stack. */
export interface Run {
  readonly id: string;
  readonly stackId: string;
  readonly operationId: string | null;
  readonly kind: 'plan' | 'apply' | 'destroy';
  /** The machine that Terraform ran on. */
  readonly host: string;
  /** Name -> version, e.g. `terraform` -> `Terraform 1.11.4`. */
  readonly tools: Readonly<Record<string, string>>;
  /** null for the service itself. */
  readonly requestedBy: string | null;
  readonly startedAt: Date;
  /** null while it is running, or if its worker died. */
  readonly finishedAt: Date | null;
  readonly exitCode: number | null;
  /** Timings: the whole run first, then each resource. */
  readonly phases: readonly { readonly phase: string; readonly startMs: number; readonly ms: number }[];
  readonly changes: readonly ResourceChange[];
}

export interface RunDetail extends Run {
  /** Without colours and secrets. */
  readonly log: string;
  readonly planText: string | null;
  /** Terraform's plan in JSON, masked; only for plans. */
  readonly plan: Readonly<Record<string, unknown>> | null;
}

export interface HostingDrift extends DriftFound {
  readonly hostingId: string;
  /** A sleeping hosting is not checked: its VM is off, as intended. */
  readonly isAsleep: boolean;
  readonly vmName: string;
  readonly username: string;
}

export interface ApplyInput {
  /** Creates an empty disk if the user's is gone; otherwise such an apply is refused. */
  readonly recreateDisk: boolean;
  /** The differences that someone reviewed and agreed to; null applies whatever is found. */
  readonly agreed: readonly string[] | null;
}
