/**
 * The plan firewall: what a plan may do, whoever rendered it. Every plan is checked between `plan` and `apply`;
 * a plan that breaks a rule is not applied. Each rule has a name, a reason, and a test with a plan that breaks it.
 */
import { EngineError } from '../../base/errors';
import type { TerraformPlan } from './terraform';

export interface PlanPolicy {
  readonly intent: 'apply' | 'destroy';
  /** Resource addresses this stack may have, e.g. `libvirt_volume.root`. */
  readonly addresses: readonly string[] | RegExp;
  /** Resource types that an apply must not delete or replace. */
  readonly keeps: readonly string[];
  readonly uri: string;
  readonly maxMemoryMiB: number;
  readonly maxVcpus: number;
  readonly maxDiskBytes: number;
}

type Change = NonNullable<TerraformPlan['resource_changes']>[number];
interface Rule {
  readonly name: string;
  readonly reason: string;
  /** What breaks the rule, one line each. */
  readonly breaches: (plan: TerraformPlan, policy: PlanPolicy) => string[];
}

const provider = 'registry.terraform.io/dmacvicar/libvirt';
const providers = [provider, 'registry.opentofu.org/dmacvicar/libvirt'];

function changes(plan: TerraformPlan): readonly Change[] {
  return plan.resource_changes ?? [];
}

function over(limit: number, value: unknown): boolean {
  return typeof value === 'number' && value > limit;
}

export const rules: readonly Rule[] = [
  {
    name: 'own-addresses',
    reason: 'A stack holds one hosting; anything else in its plan did not come from its specification.',
    breaches: (plan, { addresses }) =>
      changes(plan)
        .map((change) => change.address)
        .filter(
          (address) => !(addresses instanceof RegExp ? addresses.test(address) : addresses.includes(address)),
        ),
  },
  {
    name: 'known-provider',
    reason: 'Only the libvirt provider that was built or verified at start may run.',
    breaches: (plan) => [
      ...changes(plan)
        .filter((change) => !providers.includes(change.provider_name))
        .map((change) => `${change.address}: ${change.provider_name}`),
      ...Object.values(plan.configuration?.provider_config ?? {})
        .map((config) => config.full_name ?? '')
        .filter((name) => !providers.includes(name)),
    ],
  },
  {
    name: 'own-node',
    reason: 'The plan must act on the node the hosting was placed on.',
    breaches: (plan, { uri }) => {
      const configured = Object.values(plan.configuration?.provider_config ?? {});
      // without any the provider chooses a node by itself
      if (configured.length === 0 && changes(plan).length > 0) return ['no provider configuration'];
      return configured
        .map((config) => config.expressions?.uri?.constant_value ?? 'no URI')
        .filter((found) => found !== uri);
    },
  },
  {
    name: 'no-provisioner',
    reason: 'A provisioner runs commands on this machine.',
    breaches: (plan) =>
      (plan.configuration?.root_module?.resources ?? [])
        .filter((resource) => (resource.provisioners ?? []).length > 0)
        .map((resource) => resource.address),
  },
  {
    name: 'keep-what-is-used',
    reason:
      "A user's volume is their data, and a node's network and pool carry running VMs: no apply may remove them.",
    breaches: (plan, { intent, keeps }) =>
      intent === 'destroy'
        ? []
        : changes(plan)
            .filter((change) => keeps.includes(change.type) && change.change.actions.includes('delete'))
            .map((change) => change.address),
  },
  {
    name: 'destroy-only-removes',
    reason: 'A teardown has nothing to make.',
    breaches: (plan, { intent }) =>
      intent === 'apply'
        ? []
        : changes(plan)
            .filter((change) =>
              change.change.actions.some((action) => action === 'create' || action === 'update'),
            )
            .map((change) => change.address),
  },
  {
    name: 'within-quota',
    reason: 'Sizes must not exceed what the hosting was granted.',
    breaches: (plan, policy) =>
      changes(plan).flatMap(({ address, type, change: { after } }) => [
        ...(type === 'libvirt_domain' && over(policy.maxMemoryMiB, after?.memory)
          ? [`${address}: memory ${String(after?.memory)} MiB`]
          : []),
        ...(type === 'libvirt_domain' && over(policy.maxVcpus, after?.vcpu)
          ? [`${address}: ${String(after?.vcpu)} vCPUs`]
          : []),
        ...(type === 'libvirt_volume' && over(policy.maxDiskBytes, after?.size)
          ? [`${address}: ${String(after?.size)} bytes`]
          : []),
      ]),
  },
];

/**
 * Lets a plan pass or refuses it, naming every rule it breaks.
 *
 * @throws {EngineError} plan_refused, with `details.rules`
 */
export function checkPlan(plan: TerraformPlan, policy: PlanPolicy): void {
  const broken = rules
    .map((rule) => ({ rule: rule.name, reason: rule.reason, breaches: rule.breaches(plan, policy) }))
    .filter((result) => result.breaches.length > 0);
  if (broken.length === 0) return;
  const names = broken.map((result) => result.rule);
  throw new EngineError(
    'plan_refused',
    `The plan was refused by policy (${names.join(', ')}); nothing was changed`,
    {
      details: { rules: names },
      cause: new Error(JSON.stringify(broken)),
    },
  );
}
