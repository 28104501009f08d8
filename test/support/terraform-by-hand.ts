/** Terraform as a person runs it, with nothing but a directory and the provider. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { System } from './system';

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

export function terraformByHand(system: Pick<System, 'env'>, directory: string, ...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(terraform, args, {
    cwd: directory,
    env: environmentByHand(system),
    encoding: 'utf8',
  });
  return { code: status, output: stdout + stderr };
}

/**
 * `terraform plan`: 0 finds no changes, 2 finds some. The provider breaks off its download of a cloud-init disk now and
 * then (docs/performance.md); a person would try again, as the engine does.
 */
export function planByHand(system: Pick<System, 'env'>, directory: string): Ran {
  const args = ['plan', '-detailed-exitcode', '-parallelism=1', '-no-color', '-input=false'];
  for (let tries = 1; ; tries++) {
    const ran = terraformByHand(system, directory, ...args);
    if (tries === 3 || !ran.output.includes('error while retrieving remote ISO')) return ran;
  }
}
