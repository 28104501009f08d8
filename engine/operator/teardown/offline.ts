/**
 * Takes hostings down from their workspaces alone, when the database is gone: Terraform destroys what its state knows,
 * and what is left is removed by name and mark. Nobody else can be at work: without the database there is no lease.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../base/config';
import { EngineError, toEngineError } from '../../base/errors';
import { namesHosting, theOne, vmNameOf } from '../../machine/libvirt/names';
import type { Inventory } from '../../machine/libvirt/inventory';
import { removeMarked } from '../../machine/libvirt/remove-marked';
import { virshInventory } from '../../machine/libvirt/virsh';
import { hostingPolicy } from '../../hostings';
import { endProcessesIn } from '../../base/process';
import { postgresExists } from '../../store/postgres';
import { terraformCli } from '../../machine/terraform/cli';
import { plannedChanges } from '../../machine/terraform/plan-view';
import type { ResourceChange } from '../../model/plan';
import { checkPlan } from '../../machine/terraform/plan-firewall';
import type { Terraform } from '../../machine/terraform/terraform';
import {
  listWorkspaces,
  planFile,
  readState,
  removeWorkspace,
  stackWorkspace,
} from '../../machine/terraform/workspace';
import { takeDownEach, type TeardownOptions, type TornDown } from './take-down';

interface Tools {
  readonly config: Config;
  readonly terraform: Terraform;
  readonly inventory: Inventory;
}

/**
 * @param names  VM names or hosting ids; empty for all that there are workspaces of
 * @throws {EngineError} config_invalid when there is a database that knows better; validation_failed when one name can mean two
 */
export async function tearDownOffline(
  config: Config,
  names: readonly string[],
  { dryRun, parallel, handover, onResult }: TeardownOptions,
): Promise<TornDown[]> {
  if (config.DATABASE_URL === undefined && postgresExists(config))
    throw new EngineError('config_invalid', 'This machine has a database: omit --offline');
  const tools = {
    config,
    terraform: await openTerraform(config),
    inventory: virshInventory(config.LIBVIRT_URI),
  };
  const known = (await hostingsWithWorkspace(config)).map((id) => ({
    id,
    vmName: vmNameOf(id),
    username: '-',
  }));
  // two ids may begin alike, and no database has kept them apart here
  for (const name of names) {
    const meant = known.filter((hosting) => namesHosting(name, hosting));
    if (meant.length > 1) theOne(name, meant);
  }
  const hostings = known.filter(
    (hosting) => names.length === 0 || names.some((name) => namesHosting(name, hosting)),
  );
  return takeDownEach(hostings, { parallel, onResult }, ({ id }) =>
    one(tools, id, dryRun, handover).then(
      (changes) => ({ result: dryRun ? 'planned' : 'gone', reason: null, changes }),
      (thrown: unknown) => ({ result: 'left', reason: toEngineError(thrown).message, changes: [] }),
    ),
  );
}

async function one(
  tools: Tools,
  id: string,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<ResourceChange[]> {
  signal.throwIfAborted();
  const workspace = stackWorkspace(tools.config, id);
  await endProcessesIn(workspace);
  const changes = await destroyByTerraform(tools, workspace, dryRun, signal).catch((thrown: unknown) => {
    // a plan that cannot be made shows nothing; a removal goes on without it
    if (dryRun) throw thrown;
    signal.throwIfAborted();
    return [];
  });
  if (dryRun) return changes;
  await removeMarked(tools.inventory, tools.config.POOL_NAME, id);
  await removeWorkspace(workspace);
  return changes;
}

async function destroyByTerraform(
  { config, terraform }: Tools,
  workspace: string,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<ResourceChange[]> {
  if ((await readState(workspace)) === null) return [];
  const call = { workspace, signal };
  await terraform.init(call);
  if (!(await terraform.plan(call, { planFile, intent: 'destroy' }))) return [];
  const plan = await terraform.showPlan(call, planFile);
  checkPlan(plan, hostingPolicy({ memoryMiB: 0, vcpus: 0, diskGiB: 0 }, config, 'destroy'));
  if (!dryRun) await terraform.apply(call, planFile);
  return plannedChanges(plan);
}

/** Workspaces of nodes have no domain in their stack. */
async function hostingsWithWorkspace(config: Config): Promise<string[]> {
  const ids: string[] = [];
  for (const id of await listWorkspaces(config.workspacesDir)) {
    const file = path.join(stackWorkspace(config, id), 'cdk.tf.json');
    const { resource } = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as { resource?: object };
    if (resource !== undefined && 'libvirt_domain' in resource) ids.push(id);
  }
  return ids;
}

function openTerraform(config: Config): Promise<Terraform> {
  return terraformCli({
    program: config.TERRAFORM_BIN,
    providerMirrorDir: config.providerMirrorDir,
    configDir: config.DATA_DIR,
  });
}
