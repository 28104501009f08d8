/** Terraform by its command line, one child a verb. The engine owns the child's environment. */
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cachedFor } from '../../base/cached';
import { EngineError } from '../../base/errors';
import { CommandNotFound, type CommandOptions, type CommandResult, runCommand } from '../../base/process';
import {
  applyArgv,
  forgetArgv,
  initArgv,
  listStateArgv,
  planArgv,
  showPlanArgv,
  showPlanTextArgv,
  versionArgv,
} from './argv';
import { parseEvent } from './json-events';
import { nameOfBuild, providerBuild } from './provider';
import { asHanging, isLockedToOtherBuild, terraformFailure } from './failure';
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
}

/** A plan has nothing to finish when it is stopped. */
const planGraceMs = 2_000;
/** Version and checksum of the provider that the workspace was initialized with. */
const lockFile = '.terraform.lock.hcl';
const planSilentMs = 20_000;
const applySilentMs = 60_000;

export async function terraformCli(options: TerraformCliOptions): Promise<Terraform> {
  const { run, must } = commands(options, await writeCliConfig(options));

  return {
    init: async (call) => {
      const failure = ['plan_failed', 'Terraform could not initialize the stack'] as const;
      const attempt = (): Promise<CommandResult> => must(initArgv(), inWorkspace(call), failure);
      await attempt().catch(async (thrown: unknown) => {
        if (!isLockedToOtherBuild(thrown)) throw thrown;
        // what the mirror holds was verified when it was put there, and may be another build of the same version now
        await rm(path.join(call.workspace, lockFile));
        await attempt();
      });
    },
    plan: async (call, { planFile, intent, replace }) => {
      const fresh = !existsSync(path.join(call.workspace, 'terraform.tfstate'));
      const failure = ['plan_failed', undefined] as const;
      const result = await run(planArgv({ planFile, intent, fresh, replace }), {
        ...inWorkspace(call),
        silentMs: call.silentMs ?? planSilentMs,
        graceMs: planGraceMs,
      }).catch(asHanging(...failure));
      // 0: nothing to change, 2: changes (-detailed-exitcode)
      if (result.code !== 0 && result.code !== 2) throw terraformFailure(...failure, result);
      return result.code === 2;
    },
    forget: async (call, addresses) => {
      const failure = ['apply_failed', 'Terraform could not forget a resource'] as const;
      const listed = await must(listStateArgv(), quietly(call), failure);
      const known = addresses.filter((address) => listed.stdout.split('\n').includes(address));
      if (known.length > 0) await must(forgetArgv(known), quietly(call), failure);
    },
    showPlan: async (call, planFile) => {
      const failure = ['plan_failed', 'Terraform could not show the plan'] as const;
      const result = await must(showPlanArgv(planFile), quietly(call), failure);
      return JSON.parse(result.stdout) as TerraformPlan;
    },
    showPlanText: async (call, planFile) => {
      const failure = ['plan_failed', 'Terraform could not show the plan'] as const;
      return (await must(showPlanTextArgv(planFile), quietly(call), failure)).stdout;
    },
    apply: async (call, planFile) => {
      const failure = ['apply_failed', undefined] as const;
      const silentMs = call.silentMs ?? applySilentMs;
      await must(applyArgv(planFile), { ...inWorkspace(call), silentMs }, failure);
    },
    version: cachedFor(60_000, async () => {
      const result = await run(versionArgv(), { timeoutMs: 20_000 });
      const { terraform_version: version } = JSON.parse(result.stdout) as { terraform_version: string };
      return `${path.basename(options.program) === 'tofu' ? 'OpenTofu' : 'Terraform'} ${version}`;
    }),
    provider: cachedFor(60_000, async () => {
      const build = await providerBuild(options.providerMirrorDir);
      return build === null ? null : nameOfBuild(build);
    }),
  };
}

/** Without a text: the code says it. */
type Failure = readonly ['plan_failed' | 'apply_failed', string | undefined];

function commands({ program, graceMs = 30_000 }: TerraformCliOptions, cliConfig: string) {
  const env = {
    TF_CLI_CONFIG_FILE: cliConfig,
    TF_IN_AUTOMATION: '1',
    CHECKPOINT_DISABLE: '1',
    // the provider's warnings about its own debugging would drown the run's log
    TF_LOG: 'ERROR',
  };
  const run = (argv: string[], options: Partial<CommandOptions> = {}): Promise<CommandResult> =>
    runTerraform([program, ...argv], { env, graceMs, ...options });
  /** For verbs that end with 0 or have failed. */
  const must = async (
    argv: string[],
    options: Partial<CommandOptions>,
    [code, message]: Failure,
  ): Promise<CommandResult> => {
    const result = await run(argv, options).catch(asHanging(code, message));
    if (result.code !== 0) throw terraformFailure(code, message, result);
    return result;
  };
  return { run, must };
}

/** For what nobody follows while it works. */
function quietly(call: TerraformCall): Partial<CommandOptions> {
  return { cwd: call.workspace, signal: call.signal };
}

function inWorkspace(call: TerraformCall): Partial<CommandOptions> {
  return {
    cwd: call.workspace,
    signal: call.signal,
    onLine: (line) => {
      const event = parseEvent(line);
      if (event) call.onEvent?.(event);
    },
    // Terraform says every 10 s that a resource is still being made, whatever has become of its provider
    isProgress: (line) => parseEvent(line)?.type !== 'apply_progress',
  };
}

async function runTerraform(argv: string[], options: CommandOptions): Promise<CommandResult> {
  try {
    return await runCommand(argv, options);
  } catch (cause) {
    if (!(cause instanceof CommandNotFound)) throw cause;
    throw new EngineError('terraform_missing', undefined, {
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
