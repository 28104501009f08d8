/** Terraform as a person runs it, with nothing but a directory and the provider. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { projectRoot } from '../../engine/base/project';
import type { System } from '../worlds/system';

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

export const terraform = process.env.TERRAFORM_BIN ?? 'terraform';

export function environmentByHand({ env }: Pick<System, 'env'>): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    TF_CLI_CONFIG_FILE: path.join(env.DATA_DIR ?? '', 'terraform.tfrc'),
    CHECKPOINT_DISABLE: '1',
  };
}

export function terraformByHand(
  system: Pick<System, 'env'>,
  directory: string,
  ...args: string[]
): Promise<Ran> {
  return inTime(terraform, args, { cwd: directory, env: environmentByHand(system) });
}

/** `terraform plan`: 0 finds no changes, 2 finds some. */
export function planByHand(system: Pick<System, 'env'>, directory: string): Promise<Ran> {
  const args = ['plan', '-detailed-exitcode', '-no-color', '-input=false'];
  return terraformByHand(system, directory, ...args);
}

/** `cdktf diff` of a workspace's own CDKTF directory. */
export function diffByHand(system: Pick<System, 'env'>, directory: string): Promise<Ran> {
  const program = path.join(projectRoot, 'node_modules/.bin/cdktf');
  const env = {
    ...environmentByHand(system),
    ...{ TERRAFORM_BINARY_NAME: terraform, CI: '1' },
  };
  return inTime(program, ['diff', '--skip-provider-lock'], { cwd: directory, env });
}

/**
 * With whatever it has started: a provider that hangs is in its process group. `code` is null when it took too long.
 * Never synchronously: a test that stands still does not see that the service has closed its idle connection, and its
 * next request goes into that one.
 */
function inTime(
  program: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Ran> {
  const argv = ['--signal=KILL', '90', program, ...args];
  return new Promise((resolve) => {
    const child = execFile('timeout', argv, { cwd, env }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, output: stdout + stderr });
    });
  });
}
