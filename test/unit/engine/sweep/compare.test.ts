/** What a sweep concludes from what it saw. */
import { isoName, rootVolumeName, vmNameOf } from '../../../../engine/machine/libvirt/names';
import { compare, mentioned, type Snapshot } from '../../../../engine/sweep/compare';
import type { SurveyedDomain } from '../../../../engine/machine/libvirt/inventory';
import type { NodeState } from '../../../../engine/machine/host/node-care';
import { adviceFor, type FindingKind, findingKinds } from '../../../../engine/sweep/findings';
import type { Records } from '../../../../engine/store/records';

const id = '1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d';
const nodeId = '99999999-5e6f-4a7b-8c9d-0e1f2a3b4c5d';

const empty: Records = {
  living: new Map(),
  busy: new Set(),
  nodes: new Set([nodeId]),
  stacks: new Map(),
  routes: new Set(),
  ports: new Map(),
  addresses: new Map(),
  stuck: [],
  idle: [],
};
const running: Records = {
  ...empty,
  living: new Map([
    [
      id,
      {
        id,
        vmName: vmNameOf(id),
        status: 'running',
        ip: '10.90.0.5',
        mac: '52:54:00:5a:00:05',
        sshPort: 10_000,
      },
    ],
  ]),
  stacks: new Map([[id, { seal: Buffer.from('sealed'), names: null, mark: null }]]),
  routes: new Set([id]),
  ports: new Map([[id, 10_000]]),
  addresses: new Map([[id, '10.90.0.5']]),
};
function vm(name: string, state: string, hostingId: string | null): SurveyedDomain {
  return { name, state, hostingId, reason: null, isTransient: false };
}
const tap = { name: 'vnet0', mac: '52:54:00:5a:00:05', bridge: 'br0', isolated: true, filtered: true };
const node: Snapshot['node'] = {
  names: { pool: 'p', poolDir: '/p', dataDir: '/d', network: 'n', bridge: 'br0', cidr: '10.90.0.0/22' },
  state: {
    ...{ network: 'active', pool: 'active', dhcp: true, taps: [tap], rules: true, logDaemon: true },
    ...{ kvm: 'open', overlaps: [], readOnly: [], poolFreeBytes: 1e12, frozen: [], booting: [] },
  },
  floorBytes: 1e9,
};
const names = [vmNameOf(id), rootVolumeName(id), isoName(id)];
const whole: Snapshot = {
  before: running,
  after: running,
  libvirt: {
    domains: [vm(vmNameOf(id), 'running', id)],
    volumes: [rootVolumeName(id), isoName(id), 'base-micro-0123456789abcdef.qcow2'],
  },
  workspaces: [id, nodeId],
  states: new Map([[id, names]]),
  localStates: new Map(),
  node,
  silent: new Set(),
  routesServed: true,
  heldPorts: [],
  known: new Set([id]),
};
const remains: Snapshot = { ...whole, before: empty, after: empty, states: new Map() };

function kinds(snapshot: Snapshot): FindingKind[] {
  return compare(snapshot).map((finding) => finding.kind);
}

it('the sweep finds nothing where everything matches', () => {
  expect(compare(whole)).toEqual([]);
});

it('the sweep reports what has no hosting as an orphan, in each source', () => {
  const rows: Records = { ...running, living: new Map() };
  expect(kinds({ ...remains, before: rows, after: rows })).toEqual([
    'orphan-domain',
    'orphan-volume',
    'orphan-iso',
    'orphan-workspace',
    'orphan-stack',
    'orphan-route',
    'orphan-port',
    'orphan-address',
  ]);
});

it('the sweep says whether the database has ever known an orphan’s hosting', () => {
  expect(compare(remains).every((finding) => finding.known)).toBe(true);
  expect(compare({ ...remains, known: new Set() }).some((finding) => finding.known)).toBe(false);
});

it.each<[string, Partial<Snapshot>]>([
  ['was accepted between the readings', { after: running }],
  ['was there at the first reading', { before: running }],
  ['is worked on at the first reading', { before: { ...empty, busy: new Set([id]) } }],
  ['is worked on at the second reading', { after: { ...empty, busy: new Set([id]) } }],
  ['is a node’s stack', { after: { ...empty, nodes: new Set([id]) } }],
])('the sweep reports no orphan if its hosting %s', (_, change) => {
  expect(kinds({ ...remains, ...change }).filter((kind) => kind.startsWith('orphan'))).toEqual([]);
});

it.each<[string, Partial<Snapshot['libvirt']>]>([
  ['a domain without our mark', { domains: [vm(vmNameOf(id), 'running', null)] }],
  ['a domain whose mark is not its name', { domains: [vm('precious', 'running', id)] }],
  ['a volume that is not named after a hosting', { volumes: ['disk.qcow2', `${id}.img`, `x${id}.qcow2`] }],
  ['a base image', { volumes: ['base-micro-0123456789abcdef.qcow2'] }],
])('the sweep takes %s as foreign', (_, libvirt) => {
  const foreign = { domains: [], volumes: [], ...libvirt };
  expect(kinds({ ...remains, libvirt: foreign, workspaces: ['notes'] })).toEqual([]);
});

it.each<[FindingKind, (snapshot: Snapshot) => Partial<Snapshot>]>([
  ['missing-domain', ({ libvirt }) => ({ libvirt: { ...libvirt, domains: [] } })],
  [
    'stopped-domain',
    ({ libvirt }) => ({
      libvirt: { ...libvirt, domains: [vm(vmNameOf(id), 'shut off', id)] },
    }),
  ],
  ['missing-volume', ({ libvirt }) => ({ libvirt: { ...libvirt, volumes: [isoName(id)] } })],
  ['missing-iso', ({ libvirt }) => ({ libvirt: { ...libvirt, volumes: [rootVolumeName(id)] } })],
  ['missing-state', () => ({ states: new Map() })],
  ['untracked-resource', () => ({ states: new Map([[id, names.slice(1)]]) })],
  ['missing-route', () => ({ after: { ...running, routes: new Set() } })],
  ['missing-port', () => ({ after: { ...running, ports: new Map([[id, 10_001]]) } })],
  ['missing-address', () => ({ after: { ...running, addresses: new Map() } })],
])('the sweep finds a %s', (kind, change) => {
  expect(kinds({ ...whole, ...change(whole) })).toEqual([kind]);
});

it.each(['saved', 'shut off'])(
  'a sleeping hosting is in order when its VM is %s, and incomplete without one',
  (state) => {
    const sleeping = new Map([[id, { ...running.living.get(id)!, status: 'sleeping' as const }]]);
    const records = { ...running, living: sleeping };
    const domains = [vm(vmNameOf(id), state, id)];
    const asleep = { ...whole, before: records, after: records, libvirt: { ...whole.libvirt, domains } };
    expect(kinds(asleep)).toEqual([]);
    expect(kinds({ ...asleep, libvirt: { ...whole.libvirt, domains: [] } })).toEqual(['missing-domain']);
    expect(kinds({ ...asleep, after: { ...records, routes: new Set() } })).toEqual(['missing-route']);
  },
);

it('the sweep reports nothing missing of a hosting that is being worked on', () => {
  const bare = { ...whole, libvirt: { domains: [], volumes: [] }, states: new Map<string, string[]>() };
  const creating = new Map([[id, { ...running.living.get(id)!, status: 'creating' as const }]]);
  for (const records of [
    { ...running, busy: new Set([id]) },
    { ...running, living: creating },
  ]) {
    expect(kinds({ ...bare, before: records })).toEqual([]);
    expect(kinds({ ...bare, after: records })).toEqual([]);
  }
});

it('the sweep reports stuck and idle operations, and why', () => {
  const operation = {
    id: 'o',
    kind: 'delete-hosting' as const,
    stackId: id,
    reason: 'libvirt does not answer',
  };
  const findings = compare({
    ...whole,
    after: { ...running, stuck: [operation], idle: [{ ...operation, reason: null }] },
  });
  expect(findings).toEqual([
    expect.objectContaining({ kind: 'stuck-operation', operationId: 'o', detail: 'libvirt does not answer' }),
    expect.objectContaining({ kind: 'idle-operation', subject: `delete-hosting of ${vmNameOf(id)}` }),
  ]);
});

it('the sweep reports that Nginx serves something else', () => {
  expect(kinds({ ...whole, routesServed: false })).toEqual(['routes-not-served']);
});

it('the sweep reports which port is held by which program, and whose it is', () => {
  const heldPorts = [
    { port: 10_000, holder: 'python3 (process 12)' },
    { port: 10_007, holder: null },
  ];
  expect(compare({ ...whole, heldPorts })).toEqual([
    {
      kind: 'held-port',
      stackId: id,
      subject: 'SSH port 10000',
      known: true,
      detail: `SSH to ${vmNameOf(id)} is not served; held by python3 (process 12)`,
    },
    expect.objectContaining({ stackId: null, detail: 'held by a program that is not visible from here' }),
  ]);
});

it('the sweep asks the database about every hosting that any source mentions', () => {
  const others = ['2', '3', '4'].map((digit) => id.replace('1', digit));
  const libvirt = {
    domains: [vm('vm-2', 'running', others[0]!)],
    volumes: [rootVolumeName(others[1]!)],
  };
  expect(new Set(mentioned({ ...whole, libvirt, workspaces: [others[2]!, 'notes'] }))).toEqual(
    new Set([id, ...others]),
  );
});

it.each<[FindingKind, Partial<NodeState>]>([
  ['network-gone', { network: 'missing' }],
  ['network-down', { network: 'inactive' }],
  ['pool-down', { pool: 'inactive' }],
  ['dhcp-down', { dhcp: false }],
  ['rules-missing', { rules: false }],
  ['log-daemon-down', { logDaemon: false }],
  ['kvm-closed', { kvm: 'closed' }],
  ['network-overlap', { overlaps: ['10.90.1.0/24 dev tun0'] }],
  ['read-only', { readOnly: ['/p'] }],
  ['pool-full', { poolFreeBytes: 4096 }],
  ['pool-low', { poolFreeBytes: 999_999_999 }],
  ['frozen-vm', { frozen: [vmNameOf(id)] }],
  ['unplugged-vm', { taps: [{ ...tap, bridge: null }] }],
  ['unplugged-vm', { taps: [{ ...tap, isolated: false }] }],
  ['filter-missing', { taps: [{ ...tap, filtered: false }] }],
])('the look at the node finds a %s', (kind, state) => {
  expect(kinds({ ...whole, node: { ...node, state: { ...node.state, ...state } } })).toEqual([kind]);
});

it('the sweep says nothing about what it cannot see from where it runs', () => {
  const blind: Partial<NodeState> = {
    dhcp: null,
    taps: null,
    rules: null,
    logDaemon: null,
    poolFreeBytes: null,
  };
  expect(kinds({ ...whole, node: { ...node, state: { ...node.state, ...blind, kvm: 'hidden' } } })).toEqual(
    [],
  );
});

it.each<[FindingKind, Partial<SurveyedDomain>]>([
  ['paused-vm', { state: 'paused', reason: 'I/O error' }],
  ['undefined-domain', { isTransient: true }],
])('libvirt’s report on a VM shows a %s', (kind, domain) => {
  const domains = [{ ...vm(vmNameOf(id), 'running', id), ...domain }];
  expect(kinds({ ...whole, libvirt: { ...whole.libvirt, domains } })).toEqual([kind]);
});

it('the sweep finds a VM that does not answer, and a fault of the network only once', () => {
  const silent = new Set([id]);
  expect(kinds({ ...whole, silent })).toEqual(['silent-vm']);
  const booting = { ...node, state: { ...node.state, booting: [vmNameOf(id)] } };
  expect(kinds({ ...whole, silent, node: booting })).toEqual([]);
  const state: NodeState = { ...node.state, network: 'inactive', taps: [{ ...tap, bridge: null }] };
  expect(kinds({ ...whole, silent, node: { ...node, state } })).toEqual(['network-down']);
});

it.each([
  ['unreadable', 'damaged-state'],
  ['edited', 'edited-state'],
] as const)('the sweep reports a state file that is %s', (state, kind) => {
  expect(kinds({ ...whole, localStates: new Map([[id, state]]) })).toEqual([kind]);
});

it('the sweep’s advice can be typed as it stands, and never deletes', () => {
  const detail = 'the host also has 10.90.1.0/24 dev tun0';
  expect(adviceFor({ kind: 'missing-domain', subject: 'vm-1a2b3c4d' })).toBe(
    'webhoster apply vm-1a2b3c4d restores it, with its disk',
  );
  expect(adviceFor({ kind: 'network-overlap', subject: '10.90.0.0/22', detail })).toContain(
    'ip route del 10.90.1.0/24 dev tun0',
  );
  for (const kind of Object.keys(findingKinds) as FindingKind[])
    expect(adviceFor({ kind, subject: 'x' }) ?? '').not.toMatch(/delete the hosting/);
});
