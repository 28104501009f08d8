/** What a sweep can find, and what is done about each kind. */

/** How a finding is mended; `null` where that would touch a user's data or needs a decision. */
export type Fix =
  | 'remove-orphan'
  | 'go-on'
  | 'publish'
  | 'reopen'
  | 'start-network'
  | 'start-pool'
  | 'start-dhcp'
  | 'start-log-daemon'
  | 'restart-libvirt'
  | 'open-kvm'
  | 'plug'
  | 'resume'
  | 'continue'
  | 'define'
  | 'look-again'
  | null;

interface Kind {
  /** For tables and headings. */
  readonly title: string;
  readonly fix: Fix;
  /** What a person does, where nothing does it for them. */
  readonly advice?: string;
  /** Which part of the service's health says so; the others are of single hostings. */
  readonly part?: 'libvirt' | 'network' | 'disk' | 'vms';
}

const applies = 'webhoster apply <name> restores it, with its disk';

export const findingKinds = {
  'orphan-domain': { title: 'VM without a hosting', fix: 'remove-orphan' },
  'orphan-volume': { title: 'disk without a hosting', fix: 'remove-orphan' },
  'orphan-iso': { title: 'cloud-init disk without a hosting', fix: 'remove-orphan' },
  'orphan-workspace': { title: 'Terraform workspace without a hosting', fix: 'remove-orphan' },
  'orphan-stack': { title: 'Terraform state without a hosting', fix: 'remove-orphan' },
  'orphan-route': { title: 'route without a hosting', fix: 'remove-orphan' },
  'orphan-port': { title: 'SSH port without a hosting', fix: 'remove-orphan' },
  'orphan-address': { title: 'address without a hosting', fix: 'remove-orphan' },
  'routes-not-served': { title: 'Nginx does not serve the current routes', fix: 'publish' },
  'held-port': {
    title: 'SSH port held by another program',
    fix: null,
    advice: 'stop that program, or let it listen elsewhere; the port opens within 10 s',
  },
  'stuck-operation': { title: 'operation that could not be finished', fix: 'go-on' },
  'idle-operation': { title: 'unfinished operation without a worker', fix: 'go-on' },
  'missing-route': { title: 'running hosting without its route', fix: 'reopen' },
  'missing-port': { title: 'running hosting without its SSH port', fix: 'reopen' },
  'missing-address': { title: 'running hosting without its address', fix: 'reopen' },
  'missing-domain': { title: 'hosting whose VM is gone', fix: null, advice: applies, part: 'vms' },
  'missing-volume': {
    title: 'hosting whose disk is gone',
    fix: null,
    advice:
      'restore the file from a copy; if there is none, webhoster apply <name> --recreate-disk creates an empty disk',
    part: 'vms',
  },
  'missing-iso': { title: 'hosting whose cloud-init disk is gone', fix: null, advice: applies },
  'missing-state': {
    title: 'hosting without Terraform state',
    fix: null,
    advice: 'the VM keeps running; restore its state from a backup (docs/operations.md)',
  },
  'untracked-resource': {
    title: 'part of a hosting that is not in its Terraform state',
    fix: null,
    advice: 'it keeps running; restore its state from a backup (docs/operations.md)',
  },
  'stopped-domain': {
    title: 'running hosting whose VM is off',
    fix: null,
    advice: 'its user may have shut it down; to start it: webhoster wake <name>',
    part: 'vms',
  },
  'undefined-domain': {
    title: 'VM running without a definition: it disappears when it stops',
    fix: 'define',
    part: 'vms',
  },
  'paused-vm': { title: 'running hosting whose VM is paused', fix: 'resume', part: 'vms' },
  'frozen-vm': { title: 'running hosting whose QEMU process is stopped', fix: 'continue', part: 'vms' },
  'silent-vm': {
    title: 'running VM that does not answer at its address',
    fix: null,
    advice: 'its console shows why: virsh console <name>; to restart it: virsh reboot <name>',
    part: 'vms',
  },
  'unplugged-vm': { title: 'VM that is not connected to its network', fix: 'plug', part: 'network' },
  'filter-missing': {
    title: "VM whose filter is missing from the kernel: it can use other VMs' addresses",
    fix: 'restart-libvirt',
    part: 'network',
  },
  'network-down': { title: 'VM network is down', fix: 'start-network', part: 'network' },
  'network-gone': {
    title: 'VM network is gone',
    fix: null,
    advice: 'webhoster node prepare',
    part: 'network',
  },
  'network-overlap': {
    title: 'VM network overlaps a route of this host',
    fix: null,
    advice: 'remove the route (ip route del <route>), or give that network other addresses',
    part: 'network',
  },
  'dhcp-down': {
    title: 'no DHCP in the VM network: new VMs get no address',
    fix: 'start-dhcp',
    part: 'network',
  },
  'rules-missing': {
    title: "libvirt's rules for the VM network are gone: VMs have no outbound access",
    fix: 'restart-libvirt',
    part: 'network',
  },
  'pool-down': { title: 'storage pool of the VMs is inactive', fix: 'start-pool', part: 'disk' },
  'pool-full': {
    title: 'no disk space left: VMs that write are paused',
    fix: null,
    advice: 'free up space there, then webhoster doctor --fix resumes paused VMs',
    part: 'disk',
  },
  'pool-low': {
    title: 'little disk space left: nothing new is created',
    fix: null,
    advice: 'free up space there, or lower POOL_MIN_FREE_MIB',
    part: 'disk',
  },
  'read-only': {
    title: 'file system that has become read-only',
    fix: null,
    advice: 'the kernel log (dmesg) says why; once the disk is sound: mount -o remount,rw <name>',
    part: 'disk',
  },
  'log-daemon-down': {
    title: 'virtlogd is not running: no VM can start',
    fix: 'start-log-daemon',
    part: 'libvirt',
  },
  'kvm-closed': {
    title: 'QEMU is not allowed to open /dev/kvm: every start of a VM takes seconds longer',
    fix: 'open-kvm',
    part: 'libvirt',
  },
  'damaged-state': {
    title: 'unreadable state file in a workspace; the sealed copy replaces it',
    fix: 'look-again',
  },
  'edited-state': {
    title: 'state file changed by hand in a workspace; the sealed copy replaces it',
    fix: 'look-again',
  },
} as const satisfies Record<string, Kind>;

export type FindingKind = keyof typeof findingKinds;

export interface Finding {
  readonly kind: FindingKind;
  /** The hosting's or node's stack; null where it is about none. */
  readonly stackId: string | null;
  /** What it is about, as an operator would look it up: `vm-1a2b3c4d`, a volume's name, `SSH port 10001`. */
  readonly subject: string;
  /** false when the database has never heard of the hosting: it may be older or newer than this database. */
  readonly known: boolean;
  /** The operation to go on with. */
  readonly operationId?: string;
  /** More about it, e.g. why an operation is stuck. */
  readonly detail?: string;
}

export interface SweepReport {
  readonly at: Date;
  readonly ms: number;
  readonly findings: readonly Finding[];
}

/** What a person does about a finding that nothing mends by itself, with its name filled in. */
export function adviceFor({
  kind,
  subject,
  detail,
}: Pick<Finding, 'kind' | 'subject' | 'detail'>): string | null {
  const { advice }: Kind = findingKinds[kind];
  const route = detail?.replace(/^the host also has /, '') ?? '';
  return advice?.replaceAll('<name>', subject).replaceAll('<route>', route) ?? null;
}
