/** A survey of a node with more domains than one argument of a command can name, on libvirt's own driver for tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { virshInventory } from '../../engine/machine/libvirt/virsh';

const count = 2_500;
const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-survey-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const hex = (index: number): string => index.toString(16).padStart(8, '0');
const idOf = (index: number): string => `${hex(index)}-0000-4000-8000-000000000000`;

it('the survey identifies the owner of each of thousands of domains', async () => {
  const domains = Array.from({ length: count }, (_, index) => {
    const mark = `<w:hosting xmlns:w='urn:vm-webhoster:hosting:1' id='${idOf(index)}' pool='ours'/>`;
    return `<domain type='test'><name>vm-${hex(index)}</name><metadata>${mark}</metadata><memory>1024</memory>
      <os><type>hvm</type></os></domain>`;
  });
  writeFileSync(path.join(dir, 'node.xml'), `<node>${domains.join('\n')}</node>`);
  const found = await virshInventory(`test://${path.join(dir, 'node.xml')}`).survey('ours');
  expect(found.domains).toHaveLength(count);
  const whose = new Map(found.domains.map(({ name, hostingId }) => [name, hostingId]));
  for (let index = 0; index < count; index += 1) expect(whose.get(`vm-${hex(index)}`)).toBe(idOf(index));
});
