/**
 * Terraform (or OpenTofu) as this engine sees it. The caller must hold the stack's lease: Terraform's own lock
 * alone would let a superseded run start. All paths are relative to the workspace.
 */
export interface TerraformCall {
  /** The stack's directory, holding cdk.tf.json. */
  readonly workspace: string;
  readonly signal?: AbortSignal;
  /**
   * A run that makes no progress for so long hangs and is ended; its failure is retryable. That a resource is still being
   * made is no progress. @default 20 s for a plan, 60 s for an apply: one start of a VM on a busy machine
   */
  readonly silentMs?: number;
  /** What Terraform reports while it works. */
  readonly onEvent?: (event: TerraformEvent) => void;
}

export interface TerraformEvent {
  readonly level: 'info' | 'warn' | 'error';
  /** Terraform's message type, e.g. `apply_start`, `apply_complete`, `diagnostic`. */
  readonly type: string;
  readonly message: string;
  /** Resource address, where the event is about one. */
  readonly address: string | null;
}

/** Every verb throws {EngineError}: plan_failed, apply_failed, terraform_missing; Terraform's own words are in `cause`. */
export interface Terraform {
  /** Makes the directory ready: provider linked from the mirror, lock file written. Safe to repeat. */
  init(call: TerraformCall): Promise<void>;
  /** Plans into `planFile`. @returns true when the plan changes anything */
  plan(call: TerraformCall, options: PlanOptions): Promise<boolean>;
  /** Takes resources out of the state without touching them. @param addresses  those that are not in it are passed over */
  forget(call: TerraformCall, addresses: readonly string[]): Promise<void>;
  /** The saved plan as data. */
  showPlan(call: TerraformCall, planFile: string): Promise<TerraformPlan>;
  /** The saved plan as people read it, without colours; Terraform leaves sensitive values out. */
  showPlanText(call: TerraformCall, planFile: string): Promise<string>;
  /** Applies exactly that file. Not repeatable: Terraform refuses a stale plan, so a retry plans again. */
  apply(call: TerraformCall, planFile: string): Promise<void>;
  /** Product and version, e.g. `Terraform 1.11.4`. */
  version(): Promise<string>;
  /** Version and build of the libvirt provider, e.g. `0.8.3+whole-streams`; null where nobody wrote it down. */
  provider(): Promise<string | null>;
}

/** What runs Terraform; the rest is remembered. Its own lock would let a superseded run start: see guarded.ts. */
export const terraformVerbs = [
  'init',
  'plan',
  'forget',
  'showPlan',
  'showPlanText',
  'apply',
] as const satisfies readonly (keyof Terraform)[];

export interface PlanOptions {
  readonly planFile: string;
  readonly intent: 'apply' | 'destroy';
  /** Addresses to make anew although Terraform sees no difference. */
  readonly replace?: readonly string[];
}

export type PlanAction = 'no-op' | 'create' | 'read' | 'update' | 'delete';

/** Terraform's mirror of a value: `true` where it applies, objects and arrays on the way there. */
export type Marks = boolean | readonly Marks[] | { readonly [key: string]: Marks };

export interface PlannedResource {
  readonly address: string;
  readonly mode: 'managed' | 'data';
  readonly type: string;
  readonly name: string;
  readonly provider_name: string;
  readonly change: {
    readonly actions: readonly PlanAction[];
    readonly before: Record<string, unknown> | null;
    readonly after: Record<string, unknown> | null;
    readonly after_unknown?: Marks;
    readonly before_sensitive?: Marks;
    readonly after_sensitive?: Marks;
    /** Attributes that cannot be changed in place. */
    readonly replace_paths?: readonly (readonly (string | number)[])[];
  };
}

/** The parts of Terraform's plan JSON (format 1.x) that we read. It holds secrets in plain text: see plan-view.ts. */
export interface TerraformPlan {
  readonly resource_changes?: readonly PlannedResource[];
  /** What was found to differ from the state: changed behind Terraform's back. */
  readonly resource_drift?: readonly PlannedResource[];
  readonly configuration?: {
    readonly provider_config?: Readonly<
      Record<
        string,
        {
          readonly full_name?: string;
          readonly expressions?: { readonly uri?: { readonly constant_value?: string } };
        }
      >
    >;
    readonly root_module?: {
      readonly resources?: readonly {
        readonly address: string;
        readonly provisioners?: readonly unknown[];
      }[];
    };
  };
}
