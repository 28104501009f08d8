/**
 * A stack's directory: cdk.tf.json and what it was made from, Terraform's state, the saved plan. Mode 0700, files 0600:
 * state and plans hold secrets in plain text. The directory is a cache of what Postgres keeps (specification, sealed
 * state): it can be lost, or carried on by another machine.
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../base/config';
import { ignoreMissing, replaceFile } from '../../base/files';
import type { TerraformPlan } from './terraform';

export const planFile = 'plan.tfplan';
const stackFile = 'cdk.tf.json';
const planJsonFile = 'plan.json';
const stateFile = 'terraform.tfstate';

export interface StateSnapshot {
  readonly serial: number;
  readonly content: Buffer;
}

/** Where a stack's Terraform works. */
export function stackWorkspace({ workspacesDir }: Pick<Config, 'workspacesDir'>, stackId: string): string {
  return path.join(workspacesDir, stackId);
}

export async function writeStack(workspace: string, terraformJson: string): Promise<void> {
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  await replaceFile(path.join(workspace, stackFile), terraformJson);
}

/**
 * Puts a project of the cdktf command line into the workspace: `cdktf diff` works there. It lies in a directory of its
 * own, because that command refuses to work beside a `terraform.tfstate`.
 *
 * @param app  the compiled synthesizer
 */
export async function writeProject(workspace: string, spec: object, app: string): Promise<void> {
  const project = { language: 'typescript', app: `node '${app}' --workspace`, sendCrashReports: 'false' };
  const directory = path.join(workspace, 'cdktf');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await replaceFile(path.join(directory, 'spec.json'), JSON.stringify(spec));
  await replaceFile(path.join(directory, 'cdktf.json'), JSON.stringify(project));
}

/** The state as it is on disk; null when there is none, or Terraform was killed between making the file and writing it. */
export async function readState(workspace: string): Promise<StateSnapshot | null> {
  const content = await readStateFile(workspace);
  if (content === null) return null;
  const { serial } = JSON.parse(content.toString('utf8')) as { serial: number };
  return { serial, content };
}

/** As `readState`, without looking into it. */
export async function readStateFile(workspace: string): Promise<Buffer | null> {
  const content = await readFile(path.join(workspace, stateFile)).catch(ignoreMissing);
  return content === null || content.length === 0 ? null : content;
}

/** Puts the state under another name beside it, which tells when. @returns that name */
export async function keepStateAside(workspace: string, at: Date): Promise<string> {
  const name = `${stateFile}.bad-${at.toISOString().replaceAll(/[:.]/g, '-')}`;
  await rename(path.join(workspace, stateFile), path.join(workspace, name));
  return name;
}

/** The libvirt names of every resource in a state. */
export function resourceNames(state: Pick<StateSnapshot, 'content'>): string[] {
  const { resources } = JSON.parse(state.content.toString('utf8')) as {
    resources: { instances: { attributes: { name?: string } }[] }[];
  };
  return resources.flatMap(({ instances }) => instances.flatMap(({ attributes }) => attributes.name ?? []));
}

/** The plan as data, beside the plan file that it was read from. Holds secrets as that does. */
export async function writePlan(workspace: string, plan: TerraformPlan): Promise<void> {
  await replaceFile(path.join(workspace, planJsonFile), JSON.stringify(plan));
}

export async function readPlan(workspace: string): Promise<TerraformPlan> {
  return JSON.parse(await readFile(path.join(workspace, planJsonFile), 'utf8')) as TerraformPlan;
}

export async function writeState(workspace: string, content: Buffer): Promise<void> {
  await mkdir(workspace, { recursive: true, mode: 0o700 });
  await replaceFile(path.join(workspace, stateFile), content);
}

/** Names of the directories there are; none where no stack was ever made. */
export async function listWorkspaces(workspacesDir: string): Promise<string[]> {
  return (await readdir(workspacesDir).catch(ignoreMissing)) ?? [];
}

export async function removeWorkspace(workspace: string): Promise<void> {
  await rm(workspace, { recursive: true, force: true });
}
