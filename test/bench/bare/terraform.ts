/**
 * Terraform by hand on the same JSON: the workspace's `cdk.tf.json` with names of its own in a directory of its own.
 * A new directory needs an init, as a new hosting's workspace does.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { pageMarker } from '../../../engine/machine/guest/cloud-init';
import { type Bench, lastAddress, servesPage, type Source, type Tool } from './tool';

const run = promisify(execFile);

export function bareTerraform({ system, dir: parent }: Bench): Tool {
  const dir = path.join(parent, 'terraform');
  const { ip, mac } = lastAddress(system);
  const terraform = (...args: string[]) =>
    run(system.env.TERRAFORM_BIN ?? 'terraform', args, {
      cwd: dir,
      env: {
        ...{ PATH: system.env.PATH, HOME: system.env.HOME, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' },
        TF_CLI_CONFIG_FILE: path.join(system.env.DATA_DIR ?? '', 'terraform.tfrc'),
      },
      maxBuffer: 1 << 24,
    });
  const renamed = ({ stack, id, vmName, ip: ipOfSource, xml }: Source): string => {
    const macOfSource = /<mac address='([^']+)'/.exec(xml)?.[1] ?? '';
    return stack
      .replaceAll(id, randomUUID())
      .replaceAll(vmName, `bare-${system.env.POOL_NAME ?? ''}`)
      .replaceAll(macOfSource, mac)
      .replace(new RegExp(`${ipOfSource.replaceAll('.', '\\.')}(?!\\d)`, 'g'), ip);
  };
  return {
    name: 'bare Terraform',
    create: async (source) => {
      mkdirSync(dir);
      writeFileSync(path.join(dir, 'cdk.tf.json'), renamed(source), { mode: 0o600 });
      await terraform('init', '-input=false', '-no-color');
      await terraform('apply', '-auto-approve', '-input=false', '-no-color');
      // the page travels as base64, and in it the name of the VM that was copied
      await servesPage(`http://${ip}/`, pageMarker(source.vmName));
    },
    remove: async () => {
      await terraform('destroy', '-auto-approve', '-input=false', '-no-color');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
