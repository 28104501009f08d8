/**
 * Terraform (or OpenTofu) as this engine sees it. The caller must hold the stack's lease: Terraform's own lock
 * alone would let a superseded run start. All paths are relative to the workspace.
 */
export interface TerraformCall {
  /** The stack's directory, holding cdk.tf.json. */
  readonly workspace: string;
  readonly signal?: AbortSignal;
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
  plan(call: TerraformCall, options: { planFile: string; intent: 'apply' | 'destroy' }): Promise<boolean>;
  /** The saved plan as data. */
  showPlan(call: TerraformCall, planFile: string): Promise<TerraformPlan>;
  /** Applies exactly that file. Not repeatable: Terraform refuses a stale plan, so a retry plans again. */
  apply(call: TerraformCall, planFile: string): Promise<void>;
  /** Product and version, e.g. `Terraform 1.11.4`. */
  version(): Promise<string>;
}

export type PlanAction = 'no-op' | 'create' | 'read' | 'update' | 'delete';

/** The parts of Terraform's plan JSON (format 1.x) that we read. */
export interface TerraformPlan {
  readonly resource_changes?: readonly {
    readonly address: string;
    readonly mode: 'managed' | 'data';
    readonly type: string;
    readonly name: string;
    readonly provider_name: string;
    readonly change: {
      readonly actions: readonly PlanAction[];
      readonly before: Record<string, unknown> | null;
      readonly after: Record<string, unknown> | null;
    };
  }[];
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
