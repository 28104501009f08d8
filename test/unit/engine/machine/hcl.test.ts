/** HCL for people. What Terraform makes of it is in its contract: test/contract/hcl.contract.test.ts. */
import { toHcl } from '../../../../engine/machine/terraform/hcl';
import { renderStack } from '../../../../stacks/render';
import { readFixture, readSpec } from '../../stacks/support';

it('HCL has references, nested blocks, maps and types as a person would write them', () => {
  const hcl = toHcl(readFixture('hosting-direct-kernel.tf.json'));
  for (const part of [
    'resource "libvirt_domain" "vm" {\n  autostart  = true\n  cloudinit  = libvirt_cloudinit_disk.cidata.id\n',
    '  disk {\n    volume_id = libvirt_volume.root.id\n  }\n',
    '  cmdline = [\n    {\n      console = "tty0"\n      root    = "LABEL=root"\n    },\n',
    '    ignore_changes = [machine]\n',
    '  value = element(split(";", libvirt_cloudinit_disk.cidata.id), 0)\n',
    'variable "user_data" {\n  sensitive = true\n  type      = string\n\n  default = <<EOT\n#cloud-config\n',
    '<source file="${libvirt_volume.root.id}"/>',
  ])
    expect(hcl).toContain(part);
});

it('HCL has a host processor as a block', () => {
  const hcl = toHcl(renderStack({ ...readSpec('hosting-disk'), domainType: 'kvm' }));
  expect(hcl).toContain('  cpu {\n    mode = "host-passthrough"\n  }\n');
});

it('HCL contains everything that a stack renders to, to its last resource', () => {
  const json = JSON.parse(readFixture('hosting-disk.tf.json')) as { resource: Record<string, object> };
  const hcl = toHcl(JSON.stringify(json));
  for (const [type, named] of Object.entries(json.resource))
    for (const name of Object.keys(named)) expect(hcl).toContain(`resource "${type}" "${name}" {`);
});

it('HCL escapes templates where JSON evaluates nothing', () => {
  const variable = { text: { type: 'string', default: 'a ${b} %{c}\n' } };
  expect(toHcl(JSON.stringify({ variable }))).toContain('  default = <<EOT\na $${b} %%{c}\nEOT\n');
});
