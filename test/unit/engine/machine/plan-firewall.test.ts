import { EngineError } from '../../../../engine/base/errors';
import { checkPlan, type PlanPolicy, rules } from '../../../../engine/machine/terraform/plan-firewall';
import type { PlanAction, TerraformPlan } from '../../../../engine/machine/terraform/terraform';

type Change = NonNullable<TerraformPlan['resource_changes']>[number];
type Configuration = NonNullable<TerraformPlan['configuration']>;

const provider = 'registry.terraform.io/dmacvicar/libvirt';
const policy: PlanPolicy = {
  intent: 'apply',
  addresses: ['libvirt_volume.root', 'libvirt_cloudinit_disk.cidata', 'libvirt_domain.vm'],
  keeps: ['libvirt_volume'],
  uri: 'qemu:///system',
  maxMemoryMiB: 1024,
  maxVcpus: 1,
  maxDiskBytes: 20 * 1024 ** 3,
};
const teardown: PlanPolicy = { ...policy, intent: 'destroy' };

function change(
  address: string,
  actions: readonly PlanAction[],
  after: Record<string, unknown> | null = {},
  over: Partial<Change> = {},
): Change {
  const [type = '', name = ''] = address.split('.');
  return {
    address,
    mode: 'managed',
    type,
    name,
    provider_name: provider,
    change: { actions, before: null, after },
    ...over,
  };
}

const configuration: Configuration = {
  provider_config: {
    libvirt: { full_name: provider, expressions: { uri: { constant_value: 'qemu:///system' } } },
  },
  root_module: {
    resources: policy.addresses instanceof RegExp ? [] : policy.addresses.map((address) => ({ address })),
  },
};

const [volume, cidata, domain] = [
  change('libvirt_volume.root', ['create'], { size: 20 * 1024 ** 3 }),
  change('libvirt_cloudinit_disk.cidata', ['create']),
  change('libvirt_domain.vm', ['create'], { memory: 1024, vcpu: 1 }),
];
const good: TerraformPlan = { resource_changes: [volume, cidata, domain], configuration };
const goodTeardown: TerraformPlan = {
  resource_changes: ['libvirt_volume.root', 'libvirt_cloudinit_disk.cidata', 'libvirt_domain.vm'].map(
    (address) => change(address, ['delete'], null),
  ),
  configuration,
};

function withChanges(...changes: Change[]): TerraformPlan {
  return { ...good, resource_changes: changes };
}

function configured(over: Partial<Configuration>): TerraformPlan {
  return { ...good, configuration: { ...configuration, ...over } };
}

const tofu = 'registry.opentofu.org/dmacvicar/libvirt';

/** For every rule, plans that break it and nothing else. A rule that is not here fails the suite. */
const breaking: Record<string, Record<string, { plan: TerraformPlan; policy?: PlanPolicy }>> = {
  'own-addresses': {
    'another volume': { plan: withChanges(volume, change('libvirt_volume.other', ['create'])) },
    'a resource in a module': {
      plan: withChanges(change('module.evil.libvirt_domain.vm', ['create'], {}, { type: 'libvirt_domain' })),
    },
    'an indexed resource': { plan: withChanges(change('libvirt_volume.root[0]', ['create'])) },
    'another resource that only stays': {
      plan: withChanges(volume, change('libvirt_network.network', ['no-op'])),
    },
    'an address that only begins as the pattern allows': {
      plan: withChanges(change('libvirt_pool.pool2', ['create'])),
      policy: { ...policy, addresses: /^libvirt_pool\.pool$/ },
    },
  },
  'known-provider': {
    'a resource of another provider': {
      plan: withChanges(
        change(
          'libvirt_volume.root',
          ['create'],
          {},
          { provider_name: 'registry.terraform.io/hashicorp/null' },
        ),
      ),
    },
    'another provider with our node': {
      plan: configured({
        provider_config: {
          ...configuration.provider_config,
          evil: {
            full_name: 'registry.terraform.io/evil/libvirt',
            expressions: { uri: { constant_value: 'qemu:///system' } },
          },
        },
      }),
    },
    'a provider without a name': {
      plan: configured({
        provider_config: { libvirt: { expressions: { uri: { constant_value: 'qemu:///system' } } } },
      }),
    },
  },
  'own-node': {
    'another node': {
      plan: configured({
        provider_config: {
          libvirt: {
            full_name: provider,
            expressions: { uri: { constant_value: 'qemu+ssh://other/system' } },
          },
        },
      }),
    },
    'no URI': { plan: configured({ provider_config: { libvirt: { full_name: provider } } }) },
    'a second configuration for another node': {
      plan: configured({
        provider_config: {
          ...configuration.provider_config,
          'libvirt.other': {
            full_name: provider,
            expressions: { uri: { constant_value: 'qemu:///session' } },
          },
        },
      }),
    },
    'no configuration of the provider, which would then choose by itself': {
      plan: configured({ provider_config: {} }),
    },
    'no configuration at all': { plan: { resource_changes: [volume] } },
  },
  'no-provisioner': {
    'a provisioner': {
      plan: configured({
        root_module: {
          resources: [{ address: 'libvirt_domain.vm', provisioners: [{ type: 'local-exec' }] }],
        },
      }),
    },
  },
  'keep-what-is-used': {
    'a volume deleted': { plan: withChanges(change('libvirt_volume.root', ['delete'], null), domain) },
    'a volume replaced': { plan: withChanges(change('libvirt_volume.root', ['delete', 'create'])) },
    'a volume replaced the other way round': {
      plan: withChanges(change('libvirt_volume.root', ['create', 'delete'])),
    },
  },
  'destroy-only-removes': {
    'something made': { plan: withChanges(change('libvirt_domain.vm', ['create'])), policy: teardown },
    'something changed': { plan: withChanges(change('libvirt_domain.vm', ['update'])), policy: teardown },
    'something replaced': {
      plan: withChanges(change('libvirt_volume.root', ['delete', 'create'])),
      policy: teardown,
    },
  },
  'within-quota': {
    'too much memory': {
      plan: withChanges(change('libvirt_domain.vm', ['create'], { memory: 1025, vcpu: 1 })),
    },
    'too many processors': {
      plan: withChanges(change('libvirt_domain.vm', ['create'], { memory: 1024, vcpu: 2 })),
    },
    'too large a volume': {
      plan: withChanges(change('libvirt_volume.root', ['create'], { size: 20 * 1024 ** 3 + 1 })),
    },
    'a growth beyond it': { plan: withChanges(change('libvirt_domain.vm', ['update'], { memory: 4096 })) },
  },
};

function refusal(plan: TerraformPlan, by: PlanPolicy): EngineError {
  try {
    checkPlan(plan, by);
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown;
    throw thrown;
  }
  throw new Error('the plan passed');
}

describe('the plan firewall', () => {
  it.each([
    ['a first apply', good, policy],
    ['a teardown', goodTeardown, teardown],
    ['a plan without changes', { configuration }, policy],
    [
      'a change of the domain alone',
      withChanges(change('libvirt_domain.vm', ['update'], { memory: 512 })),
      policy,
    ],
    [
      'a domain that is replaced',
      withChanges(change('libvirt_domain.vm', ['delete', 'create'], { memory: 1024 })),
      policy,
    ],
    [
      'a cloud-init disk that is replaced',
      withChanges(change('libvirt_cloudinit_disk.cidata', ['delete', 'create'])),
      policy,
    ],
    [
      'addresses by a pattern',
      withChanges(change('libvirt_pool.pool', ['create'])),
      { ...policy, addresses: /^libvirt_pool\.pool$/ },
    ],
    [
      'the same provider under OpenTofu’s name',
      {
        resource_changes: [{ ...domain!, provider_name: tofu }],
        configuration: {
          ...configuration,
          provider_config: {
            libvirt: { full_name: tofu, expressions: { uri: { constant_value: 'qemu:///system' } } },
          },
        },
      },
      policy,
    ],
  ] as [string, TerraformPlan, PlanPolicy][])('the plan firewall accepts %s', (_, plan, by) => {
    expect(() => {
      checkPlan(plan, by);
    }).not.toThrow();
  });

  describe.each(rules.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
    it(`the rule ${name} has a reason, and a plan here that breaks it`, () => {
      expect(rule.reason).toMatch(/^[A-Z].{20,}\.$/);
      expect(Object.keys(breaking[name] ?? {}).length).toBeGreaterThan(0);
    });

    it.each(Object.entries(breaking[name] ?? {}))(
      `the rule ${name} alone refuses %s`,
      (_, { plan, policy: by = policy }) => {
        const error = refusal(plan, by);
        expect(error.code).toBe('plan_refused');
        expect(error.details).toEqual({ rules: [name] });
        expect(error.message).toContain(name);
        expect(error.retryable).toBe(false);
      },
    );
  });

  it('the plan firewall names every rule that a plan breaks', () => {
    const plan = withChanges(change('libvirt_volume.other', ['delete', 'create'], { size: 2 ** 50 }));
    expect(refusal(plan, policy).details).toEqual({
      rules: ['own-addresses', 'keep-what-is-used', 'within-quota'],
    });
  });

  it('the plan firewall keeps what it found in the cause and out of the public text', () => {
    const plan = withChanges(change('libvirt_domain.vm', ['create'], { memory: 999_999 }));
    const error = refusal(plan, policy);
    expect((error.cause as Error).message).toContain('999999');
    expect(error.message).not.toContain('999999');
  });

  it('each rule of the plan firewall has its own name', () => {
    expect(new Set(rules.map((rule) => rule.name)).size).toBe(rules.length);
    // and nothing is tested here that is no rule any more
    expect(Object.keys(breaking).sort()).toEqual(rules.map((rule) => rule.name).sort());
  });
});
