import { parseDomainList, parseMarks } from '../../../../engine/machine/libvirt/virsh-output';

it('virsh’s list of domains is read, including names with spaces', () => {
  const text =
    ' Id   Name          State\n---\n 3    vm-1a2b3c4d   running\n -    vm-2         shut off\n -    a b c   in shutdown\n\n';
  expect(parseDomainList(text)).toEqual([
    { name: 'vm-1a2b3c4d', state: 'running' },
    { name: 'vm-2', state: 'shut off' },
    { name: 'a b c', state: 'in shutdown' },
  ]);
});

it('the marks of many domains are read, and those without one are skipped', () => {
  const id = '1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d';
  const text = `@@vm-1<hosting id="${id}" pool="p"/>\n\n@@vm-2@@vm-3\n<hosting pool="q.x" id="${id}"/>\n@@vm-4<hosting id="${id}"/>\n`;
  expect(parseMarks(text)).toEqual(
    new Map([
      ['vm-1', { hostingId: id, pool: 'p' }],
      ['vm-3', { hostingId: id, pool: 'q.x' }],
    ]),
  );
});
