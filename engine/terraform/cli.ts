/** Terraform by its command line, one child a verb. The engine owns the child's environment. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from '../errors';
import { CommandNotFound, type CommandOptions, type CommandResult, runCommand } from '../process';
import { applyArgv, initArgv, planArgv, showPlanArgv, versionArgv } from './argv';
import { parseEvent } from './json-events';
import { asHanging, terraformFailure } from './failure';
import type { Terraform, TerraformCall, TerraformPlan } from './terraform';

export interface TerraformCliOptions {
  /** Program name or path of terraform or tofu. */
  readonly program: string;
  /** Filesystem mirror with the libvirt provider. */
  readonly providerMirrorDir: string;
  /** Where the CLI configuration file is kept. */
  readonly configDir: string;
  /** Time a child gets between SIGINT and SIGKILL. @default 30_000 */
  readonly graceMs?: number;
  /** A plan takes a second; one that takes this long hangs in the provider. @default 30_000 */
  readonly planTimeoutMs?: number;
  /** An apply takes seconds and waits for no guest. @default 300_000 */
  readonly applyTimeoutMs?: number;
}

/** A plan has nothing to finish when it is stopped. */
const planGraceMs = 2_000;

export async function terraformCli(options: TerraformCliOptions): Promise<Terraform> {
  const cliConfig = await writeCliConfig(options);
  const env = {
    TF_CLI_CONFIG_FILE: cliConfig,
    TF_IN_AUTOMATION: '1',
    CHECKPOINT_DISABLE: '1',
    // the provider's warnings about its own debugging would drown the run's log
    TF_LOG: 'ERROR',
  };
  const run = (argv: string[], call: Partial<CommandOptions> = {}): Promise<CommandResult> =>
    runTerraform([options.program, ...argv], { env, graceMs: options.graceMs ?? 30_000, ...call });

  return {
    init: async (call) => {
      const result = await run(initArgv(), inWorkspace(call));
      if (result.code !== 0)
        throw terraformFailure('plan_failed', 'Terraform could not initialize the stack', result);
    },
    plan: async (call, { planFile, intent }) => {
      const fresh = !existsSync(path.join(call.workspace, 'terraform.tfstate'));
      const result = await run(planArgv({ planFile, intent, fresh }), {
        ...inWorkspace(call),
        timeoutMs: options.planTimeoutMs ?? 30_000,
        graceMs: planGraceMs,
      }).catch(asHanging('plan_failed', 'Terraform could not plan the stack'));
      // 0: nothing to change, 2: changes (-detailed-exitcode)
      if (result.code !== 0 && result.code !== 2)
        throw terraformFailure('plan_failed', 'Terraform could not plan the stack', result);
      return result.code === 2;
    },
    showPlan: async (call, planFile) => {
      const result = await run(showPlanArgv(planFile), { cwd: call.workspace, signal: call.signal });
      if (result.code !== 0)
        throw terraformFailure('plan_failed', 'Terraform could not show the plan', result);
      return JSON.parse(result.stdout) as TerraformPlan;
    },
    apply: async (call, planFile) => {
      const result = await run(applyArgv(planFile), {
        ...inWorkspace(call),
        timeoutMs: options.applyTimeoutMs ?? 300_000,
      }).catch(asHanging('apply_failed', 'Terraform could not apply the plan'));
      if (result.code !== 0)
        throw terraformFailure('apply_failed', 'Terraform could not apply the plan', result);
    },
    version: async () => {
      const result = await run(versionArgv(), { timeoutMs: 20_000 });
      const { terraform_version: version } = JSON.parse(result.stdout) as { terraform_version: string };
      return `${path.basename(options.program) === 'tofu' ? 'OpenTofu' : 'Terraform'} ${version}`;
    },
  };
}

function inWorkspace(call: TerraformCall): Partial<CommandOptions> {
  return {
    cwd: call.workspace,
    signal: call.signal,
    onLine: (line) => {
      const event = parseEvent(line);
      if (event) call.onEvent?.(event);
    },
  };
}

async function runTerraform(argv: string[], options: CommandOptions): Promise<CommandResult> {
  try {
    return await runCommand(argv, options);
  } catch (cause) {
    if (!(cause instanceof CommandNotFound)) throw cause;
    throw new EngineError('terraform_missing', 'Terraform is not installed on the server', {
      retryable: true,
      cause,
    });
  }
}

/** Direct installation is excluded for the one provider we use: what runs is what was built or verified at start. */
async function writeCliConfig({ configDir, providerMirrorDir }: TerraformCliOptions): Promise<string> {
  const file = path.join(configDir, 'terraform.tfrc');
  const include = JSON.stringify([
    'registry.terraform.io/dmacvicar/libvirt',
    'registry.opentofu.org/dmacvicar/libvirt',
  ]);
  await mkdir(configDir, { recursive: true, mode: 0o700 });
  await writeFile(
    file,
    `disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path    = ${JSON.stringify(providerMirrorDir)}\n    include = ${include}\n  }\n}\n`,
    { mode: 0o600 },
  );
  return file;
}
