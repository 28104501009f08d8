/** The directory that Terraform runs in for a stack. */
import path from 'node:path';
import type { Config } from '../base/config';

export function stackWorkspace(config: Pick<Config, 'workspacesDir'>, stackId: string): string {
  return path.join(config.workspacesDir, stackId);
}
