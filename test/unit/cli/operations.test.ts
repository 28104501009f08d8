import { ageOf } from '../../../cli/age';
import { operationLines } from '../../../cli/commands/operations';
import type { ListedOperation } from '../../../engine';

const now = new Date('2026-01-31T12:00:00Z');
const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);

const stuck: ListedOperation = {
  id: '7f0c1f4e-3f3c-4a55-9d2e-0a4b8c9d1e2f',
  kind: 'delete-hosting',
  status: 'stuck',
  hostingId: '1a2b3c4d-0000-4000-8000-000000000000',
  userId: 7,
  vmName: 'vm-1a2b3c4d',
  steps: [],
  failure: { code: 'libvirt_unavailable', message: 'libvirt does not answer' },
  cancelRequested: false,
  owns: ['domain vm-1a2b3c4d (running)', 'SSH port 10001'],
  queuePosition: null,
  estimatedSeconds: null,
  createdAt: ago(3 * 3600 + 65),
  startedAt: null,
  finishedAt: null,
};

it('operationLines shows each operation on a line, and below a stuck one what it owns', () => {
  const ofNode: ListedOperation = {
    ...stuck,
    kind: 'prepare-node',
    status: 'running',
    vmName: null,
    failure: null,
    owns: [],
    queuePosition: null,
    estimatedSeconds: null,
    createdAt: ago(4),
  };
  expect(operationLines([ofNode, stuck], now)).toEqual([
    'KIND            STATUS   HOSTING      SINCE                 AGE    REASON',
    'prepare-node    running  -            2026-01-31T11:59:56Z  4s     -',
    'delete-hosting  stuck    vm-1a2b3c4d  2026-01-31T08:58:55Z  3h 1m  libvirt_unavailable: libvirt does not answer',
    '    domain vm-1a2b3c4d (running)',
    '    SSH port 10001',
  ]);
});

it('operationLines of nothing is the headings', () => {
  expect(operationLines([], now)).toEqual(['KIND  STATUS  HOSTING  SINCE  AGE  REASON']);
});

it.each([
  [0, '0s'],
  [-5, '0s'],
  [59, '59s'],
  [185, '3m 5s'],
  [3600, '1h 0m'],
  [2 * 86_400 + 4 * 3600 + 59, '2d 4h'],
])('%i s ago is %s', (seconds, age) => {
  expect(ageOf(ago(seconds), now)).toBe(age);
});
