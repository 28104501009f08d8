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
    // the provider's download of a cloud-init disk hangs or breaks beside other requests: measured, 11 refreshes of 300
    // with Terraform's default of 10 at a time, 1 of 400 with one
    '-parallelism=1',
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
  // as for plans: 2 applies of 290 hung while the provider made a volume and a cloud-init disk side by side
  return ['apply', '-input=false', '-json', '-parallelism=1', planFile];
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
