import { namesHosting, readHostingName, theOne } from '../../../../engine/machine/libvirt/names';

const id = '2d0c9cfe-1111-4222-8333-444455556666';
const mina = { id, vmName: 'vm-2d0c9cfe', username: 'mina' };

it.each([
  [id, { kind: 'id', id }],
  [` ${id.toUpperCase()}\n`, { kind: 'id', id }],
  ['vm-2d0c9cfe', { kind: 'vm', vmName: 'vm-2d0c9cfe' }],
  ['VM-2D0C9CFE', { kind: 'vm', vmName: 'vm-2d0c9cfe' }],
  ['user:vm-2d0c9cfe', { kind: 'user', username: 'vm-2d0c9cfe' }],
  ['Mina', { kind: 'user', username: 'mina' }],
  // not eight digits: no VM has such a name
  ['vm-2d0c9cf', { kind: 'user', username: 'vm-2d0c9cf' }],
  ['vm-2d0c9cfg', { kind: 'user', username: 'vm-2d0c9cfg' }],
  ['13', { kind: 'user', username: '13' }],
])('the name %j has one reading', (typed, wanted) => expect(readHostingName(typed)).toEqual(wanted));

it.each([
  '',
  ' ',
  '-',
  'mi na',
  'mina\0',
  '\u212aim',
  'ｍｉｎａ',
  'mina,juno',
  'user:',
  'user:user:mina',
  '${x}',
  'x'.repeat(65),
])('%j names no hosting', (typed) => expect(readHostingName(typed)).toBeNull());

it('a name matches a hosting exactly if the database finds it by that name', () => {
  for (const typed of [id, 'vm-2d0c9cfe', 'mina', 'user:mina'])
    expect([typed, namesHosting(typed, mina)]).toEqual([typed, true]);
  const squatter = { id: id.replace('2d', '3d'), vmName: 'vm-3d0c9cfe', username: 'vm-2d0c9cfe' };
  expect(namesHosting('vm-2d0c9cfe', squatter)).toBe(false);
  expect(namesHosting('user:vm-2d0c9cfe', squatter)).toBe(true);
});

it('a name that can mean two hostings is refused, naming both', () => {
  const other = { ...mina, id: id.replace('1111', '9999') };
  expect(theOne('vm-2d0c9cfe', [mina])).toBe(mina);
  expect(() => theOne('vm-2d0c9cfe', [mina, other])).toThrow(
    `"vm-2d0c9cfe" matches 2 hostings; use the ID of one: ${mina.id} (vm-2d0c9cfe of mina), ${other.id} (vm-2d0c9cfe of mina)`,
  );
  expect(() => theOne('mina', [])).toThrow('No hosting matches "mina" (VM name, ID or username)');
});
