/** What the fake Terraform keeps in a workspace, and which resources a specification has. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError, type ErrorCode } from '../../engine/base/errors';
import type { TerraformCall } from '../../engine/machine/terraform/terraform';
import type { HostingSpec, NodeSpec, StackSpec } from '../../stacks';

export interface Resource {
  readonly address: string;
  readonly type: string;
  readonly name: string;
}

interface StoredPlan {
  readonly create: readonly Resource[];
  readonly remove: readonly Resource[];
  readonly serial: number;
}
interface StoredState {
  readonly serial: number;
  readonly resources: readonly Resource[];
}

export function sizes(spec: StackSpec): Record<string, unknown> {
  return spec.kind === 'hosting' ? { memory: spec.memoryMiB, vcpu: spec.vcpus, size: spec.diskBytes } : {};
}

export function resourcesOf(spec: StackSpec): Resource[] {
  return spec.kind === 'hosting' ? hostingResources(spec) : nodeResources(spec);
}

function nodeResources({ pool, network, images }: NodeSpec): Resource[] {
  return [
    { address: 'libvirt_pool.pool', type: 'libvirt_pool', name: pool.name },
    { address: 'libvirt_network.network', type: 'libvirt_network', name: network.name },
    ...images.map(({ volumeName }) => ({
      address: `libvirt_volume.image_${volumeName.replaceAll('.', '-')}`,
      type: 'libvirt_volume',
      name: `${pool.name}/${volumeName}`,
    })),
  ];
}

/** What a pool or a network is called among the active ones; empty for anything else. */
export function nodePart({ type, name }: Resource): string {
  return type === 'libvirt_pool' || type === 'libvirt_network'
    ? `${type.slice('libvirt_'.length)} ${name}`
    : '';
}

function hostingResources({ hostingId, vmName, node: { pool } }: HostingSpec): Resource[] {
  return [
    { address: 'libvirt_volume.root', type: 'libvirt_volume', name: `${pool}/${hostingId}.qcow2` },
    {
      address: 'libvirt_cloudinit_disk.cidata',
      type: 'libvirt_cloudinit_disk',
      name: `${pool}/${hostingId}-cidata.iso`,
    },
    { address: 'libvirt_domain.vm', type: 'libvirt_domain', name: vmName },
  ];
}

export function readSpec(call: TerraformCall, code: ErrorCode = 'apply_failed'): StackSpec {
  return readJson(call, 'cdk.tf.json', code) as StackSpec;
}

export function readPlan(call: TerraformCall, planFile: string, code: ErrorCode): StoredPlan {
  return readJson(call, planFile, code) as StoredPlan;
}

function readJson({ workspace }: TerraformCall, file: string, code: ErrorCode): unknown {
  try {
    return JSON.parse(readFileSync(path.join(workspace, file), 'utf8')) as unknown;
  } catch (cause) {
    throw refused(code, String(cause));
  }
}

/** As the real one fails: a public text that says little, the whole story as cause. */
export function refused(code: ErrorCode, story: string): EngineError {
  return new EngineError(code, 'Terraform failed', {
    retryable: code === 'plan_failed',
    cause: new Error(story),
  });
}

export function report(call: TerraformCall, type: string, { address }: Resource, what: string): void {
  call.onEvent?.({ level: 'info', type, message: `${address}: ${what}`, address });
}

function stateFile({ workspace }: TerraformCall): string {
  return path.join(workspace, 'terraform.tfstate');
}

/** On disk in Terraform's own shape, so that the engine reads it as it reads the real one. */
export function readState(call: TerraformCall): StoredState {
  if (!existsSync(stateFile(call))) return { serial: 0, resources: [] };
  const state = JSON.parse(readFileSync(stateFile(call), 'utf8')) as { serial: number; fake: Resource[] };
  return { serial: state.serial, resources: state.fake };
}

export function writeState(call: TerraformCall, { serial, resources }: StoredState): void {
  const shaped = resources.map((each) => ({
    type: each.type,
    instances: [{ attributes: { name: path.basename(each.name) } }],
  }));
  writeFileSync(
    stateFile(call),
    JSON.stringify({ serial, lineage: 'fake', resources: shaped, fake: resources }),
  );
}
