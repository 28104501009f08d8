import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  readState,
  removeWorkspace,
  resourceNames,
  writeStack,
  writeState,
} from '../../../../engine/machine/terraform/workspace';
import { removeScratch, scratchDir } from '../support';

afterEach(removeScratch);

const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);
const state = (serial: number, resources: unknown[] = []): Buffer =>
  Buffer.from(JSON.stringify({ version: 4, serial, resources }));

describe('a workspace', () => {
  // whatever the umask of who starts it
  it.each([[0o000], [0o022], [0o077]])('nobody else can read a workspace under umask %p', async (umask) => {
    const workspace = path.join(scratchDir(), 'workspaces', 'a');
    const before = process.umask(umask);
    try {
      await writeStack(workspace, '{}');
      await writeState(workspace, state(1));
    } finally {
      process.umask(before);
    }
    expect(mode(workspace)).toBe('700');
    expect(mode(path.join(workspace, 'cdk.tf.json'))).toBe('600');
    expect(mode(path.join(workspace, 'terraform.tfstate'))).toBe('600');
  });

  it('a workspace is created for a state as well as for a stack', async () => {
    const workspace = path.join(scratchDir(), 'b');
    await writeState(workspace, state(5));
    expect(mode(workspace)).toBe('700');
    expect((await readState(workspace))?.serial).toBe(5);
  });

  it('a workspace’s files are replaced whole, and no draft is left', async () => {
    const workspace = path.join(scratchDir(), 'c');
    await writeStack(workspace, '{"first":"a long text"}');
    await writeStack(workspace, '{}');
    expect(readFileSync(path.join(workspace, 'cdk.tf.json'), 'utf8')).toBe('{}');
    expect(existsSync(path.join(workspace, 'cdk.tf.json.new'))).toBe(false);
  });

  it('removing a workspace removes everything in it, and twice is the same as once', async () => {
    const workspace = path.join(scratchDir(), 'd');
    await writeStack(workspace, '{}');
    await removeWorkspace(workspace);
    await removeWorkspace(workspace);
    expect(existsSync(workspace)).toBe(false);
  });
});

describe('the state of a workspace', () => {
  it('a workspace’s state is read with its serial, byte for byte', async () => {
    const workspace = scratchDir();
    await writeState(workspace, state(41));
    expect(await readState(workspace)).toEqual({ serial: 41, content: state(41) });
  });

  it('a workspace’s state is null without a file or directory', async () => {
    const workspace = scratchDir();
    expect(await readState(workspace)).toBeNull();
    expect(await readState(path.join(workspace, 'none'))).toBeNull();
  });

  // Terraform makes the file when it takes its lock and writes it later; killed between the two it leaves this
  it('a workspace’s state is null if Terraform was killed before it wrote any', async () => {
    const workspace = scratchDir();
    writeFileSync(path.join(workspace, 'terraform.tfstate'), '');
    expect(await readState(workspace)).toBeNull();
  });

  it('a workspace’s state names every resource that has a name', () => {
    const resources = [
      { type: 'libvirt_volume', instances: [{ attributes: { name: 'a.qcow2' } }] },
      {
        type: 'libvirt_domain',
        instances: [{ attributes: { name: 'vm-1' } }, { attributes: { name: 'vm-2' } }],
      },
      { type: 'terraform_data', instances: [{ attributes: { id: 'x' } }] },
      { type: 'libvirt_pool', instances: [] },
    ];
    const content = state(1, resources);
    expect(resourceNames({ content })).toEqual(['a.qcow2', 'vm-1', 'vm-2']);
  });
});
