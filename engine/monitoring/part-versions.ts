/** The versions of everything that makes a VM, for reports and comparisons. */
import type { Config } from '../base/config';
import { toEngineError } from '../base/errors';
import { virshInventory } from '../machine/libvirt/virsh';
import { projectVersion } from '../base/project';
import { terraformCli } from '../machine/terraform/cli';
import { nameOfBuild, providerBuild } from '../machine/terraform/provider';

export interface PartVersion {
  readonly part: string;
  /** e.g. `Terraform 1.11.4`; why it cannot be told where it cannot. */
  readonly version: string;
}

/** Asks the programs themselves; needs no database. One that does not answer is told as such. */
export async function partVersions(config: Config): Promise<PartVersion[]> {
  const { TERRAFORM_BIN, providerMirrorDir, DATA_DIR, LIBVIRT_URI } = config;
  const told = (asked: Promise<string>): Promise<string> =>
    asked.catch((thrown: unknown) => toEngineError(thrown).message);
  const terraform = async (): Promise<string> =>
    (await terraformCli({ program: TERRAFORM_BIN, providerMirrorDir, configDir: DATA_DIR })).version();
  const provider = async (): Promise<string> => {
    const build = await providerBuild(providerMirrorDir);
    return build === null
      ? 'not installed: ./scripts/start.sh installs it'
      : `dmacvicar/libvirt ${nameOfBuild(build)}, sha256 ${build.sha256}`;
  };
  return Promise.all(
    [
      { part: 'vm-webhoster', asked: Promise.resolve(projectVersion) },
      { part: 'Node.js', asked: Promise.resolve(process.versions.node) },
      { part: 'Terraform', asked: terraform() },
      { part: 'provider', asked: provider() },
      { part: 'libvirt', asked: virshInventory(LIBVIRT_URI).version() },
    ].map(async ({ part, asked }) => ({ part, version: await told(asked) })),
  );
}
