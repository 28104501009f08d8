/** The arguments of every Terraform subcommand we use, and nothing else, so that a test can read them. */

export function initArgv(): string[] {
  // -lockfile=readonly would refuse the first init of a workspace; the mirror holds the one version there is.
  return ['init', '-input=false', '-no-color'];
}

export function planArgv(options: {
  planFile: string;
  intent: 'apply' | 'destroy';
  fresh: boolean;
  replace?: readonly string[];
}): string[] {
  return [
    'plan',
    '-input=false',
    '-json',
    '-detailed-exitcode',
    `-out=${options.planFile}`,
    ...(options.intent === 'destroy' ? ['-destroy'] : []),
    ...(options.replace ?? []).map((address) => `-replace=${address}`),
    // with no state there is nothing to refresh
    ...(options.fresh ? ['-refresh=false'] : []),
  ];
}

export function showPlanArgv(planFile: string): string[] {
  return ['show', '-json', '-no-color', planFile];
}

export function showPlanTextArgv(planFile: string): string[] {
  return ['show', '-no-color', planFile];
}

export function applyArgv(planFile: string): string[] {
  return ['apply', '-input=false', '-json', planFile];
}

export function forgetArgv(addresses: readonly string[]): string[] {
  return ['state', 'rm', ...addresses];
}

export function listStateArgv(): string[] {
  return ['state', 'list'];
}

export function versionArgv(): string[] {
  return ['version', '-json'];
}
