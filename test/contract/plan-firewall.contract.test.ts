/** The plan firewall on plans of the real Terraform: each is what a tampered stack would lead to. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { terraformCli } from '../../engine/machine/terraform/cli';
import { checkPlan, type PlanPolicy } from '../../engine/machine/terraform/plan-firewall';
import type { Terraform } from '../../engine/machine/terraform/terraform';
import { planFile, writeStack } from '../../engine/machine/terraform/workspace';
import { cacheDir } from '../support/postgres';

jest.setTimeout(60_000);

const policy: PlanPolicy = {
  intent: 'apply',
  addresses: ['libvirt_cloudinit_disk.cidata', 'libvirt_domain.vm', 'libvirt_volume.root'],
  keeps: ['libvirt_volume'],
  uri: 'qemu:///system',
  maxMemoryMiB: 128,
  maxVcpus: 1,
  maxDiskBytes: 1024 ** 3,
};

/** As far as it is changed here. */
interface Stack {
  provider: Record<string, unknown[]>;
  terraform: { required_providers: Record<string, unknown> };
  resource: Record<string, Record<string, Record<string, unknown>>>;
}

let dir: string;
let terraform: Terraform;
beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-ctr-'));
  terraform = await terraformCli({
    program: process.env.TERRAFORM_BIN ?? 'terraform',
    providerMirrorDir: path.join(cacheDir, 'providers'),
    configDir: dir,
  });
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

/** Plans the golden stack of a hosting, changed. Nothing of it is there: the plan refreshes nothing. */
async function refusedRules(
  change: (stack: Stack) => void,
  over: Partial<PlanPolicy> = {},
): Promise<string[]> {
  const golden = path.join(__dirname, '../fixtures/stacks/hosting-disk.tf.json');
  const stack = JSON.parse(readFileSync(golden, 'utf8')) as Stack;
  domainOf(stack).memory = 128;
  domainOf(stack).vcpu = 1;
  stack.resource.libvirt_volume!.root!.size = 1024 ** 3;
  stack.provider.libvirt = [{ uri: policy.uri }];
  change(stack);
  const call = { workspace: path.join(dir, 'workspace') };
  await writeStack(call.workspace, JSON.stringify(stack));
  await terraform.init(call);
  await terraform.plan(call, { planFile, intent: 'apply' });
  try {
    checkPlan(await terraform.showPlan(call, planFile), { ...policy, ...over });
    return [];
  } catch (error) {
    return (error as { details: { rules: string[] } }).details.rules;
  }
}

function domainOf(stack: Stack): Record<string, unknown> {
  return stack.resource.libvirt_domain!.vm!;
}

it('the plan firewall accepts the plan of an unchanged stack', async () => {
  expect(await refusedRules(() => undefined)).toEqual([]);
});

it.each<[string, (stack: Stack) => void, string[], Partial<PlanPolicy>?]>([
  [
    'a resource of somebody else',
    (stack) => {
      stack.resource.libvirt_volume!.other = { ...stack.resource.libvirt_volume!.root, name: 'other' };
    },
    ['own-addresses'],
  ],
  [
    'a resource of another provider',
    (stack) => {
      stack.resource.terraform_data = { run: { input: 'anything' } };
    },
    ['own-addresses', 'known-provider', 'own-node'],
  ],
  [
    'another node',
    (stack) => {
      stack.provider.libvirt = [{ uri: 'qemu:///system?no_verify=1' }];
    },
    ['own-node'],
  ],
  [
    'a provisioner, which would run commands on the host',
    (stack) => {
      domainOf(stack).provisioner = [{ 'local-exec': { command: 'true' } }];
    },
    ['no-provisioner'],
  ],
  [
    'more memory than was granted',
    (stack) => {
      domainOf(stack).memory = 129;
    },
    ['within-quota'],
  ],
  [
    'a larger disk than was granted',
    (stack) => {
      stack.resource.libvirt_volume!.root!.size = 1024 ** 3 + 1;
    },
    ['within-quota'],
  ],
  ['anything new in a teardown', () => undefined, ['destroy-only-removes'], { intent: 'destroy' }],
])('the plan firewall refuses %s', async (_, change, expected, over = {}) => {
  expect(await refusedRules(change, over)).toEqual(expected);
});
