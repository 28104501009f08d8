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

const applies = 'webhoster apply <name> brings it back, with its disk';

export const findingKinds = {
  'orphan-domain': { title: 'VM of no hosting', fix: 'remove-orphan' },
  'orphan-volume': { title: 'disk of no hosting', fix: 'remove-orphan' },
  'orphan-iso': { title: 'cloud-init disk of no hosting', fix: 'remove-orphan' },
  'orphan-workspace': { title: 'Terraform workspace of no hosting', fix: 'remove-orphan' },
  'orphan-stack': { title: 'Terraform state of no hosting', fix: 'remove-orphan' },
  'orphan-route': { title: 'route of no hosting', fix: 'remove-orphan' },
  'orphan-port': { title: 'SSH port of no hosting', fix: 'remove-orphan' },
  'orphan-address': { title: 'address of no hosting', fix: 'remove-orphan' },
  'routes-not-served': { title: 'Nginx does not serve what it should', fix: 'publish' },
  'held-port': {
    title: 'SSH port that another program holds',
    fix: null,
    advice: 'end that program, or have it listen elsewhere; the port opens within 10 s',
  },
  'stuck-operation': { title: 'operation that could not be finished', fix: 'go-on' },
  'idle-operation': { title: 'operation that nobody works on', fix: 'go-on' },
  'missing-route': { title: 'running hosting without its route', fix: 'reopen' },
  'missing-port': { title: 'running hosting without its SSH port', fix: 'reopen' },
  'missing-address': { title: 'running hosting without its address', fix: 'reopen' },
  'missing-domain': { title: 'hosting whose VM is gone', fix: null, advice: applies, part: 'vms' },
  'missing-volume': {
    title: 'hosting whose disk is gone',
    fix: null,
    advice:
      'bring the file back from a copy; without one, webhoster apply <name> --recreate-disk makes an empty disk',
    part: 'vms',
  },
  'missing-iso': { title: 'hosting whose cloud-init disk is gone', fix: null, advice: applies },
  'missing-state': {
    title: 'hosting without Terraform state',
    fix: null,
    advice: 'the VM runs on; bring its state back from a backup (docs/operations.md)',
  },
  'untracked-resource': {
    title: 'part of a hosting that Terraform does not know',
    fix: null,
    advice: 'it runs on; bring its state back from a backup (docs/operations.md)',
  },
  'stopped-domain': {
    title: 'running hosting whose VM is off',
    fix: null,
    advice: 'its user may have switched it off; to start it: webhoster wake <name>',
    part: 'vms',
  },
  'undefined-domain': {
    title: 'VM that runs without a definition: it is gone when it ends',
    fix: 'define',
    part: 'vms',
  },
  'paused-vm': { title: 'running hosting whose VM is paused', fix: 'resume', part: 'vms' },
  'frozen-vm': { title: 'running hosting whose QEMU is stopped', fix: 'continue', part: 'vms' },
  'silent-vm': {
    title: 'VM that runs, and nothing answers at its address',
    fix: null,
    advice: 'its console says why: virsh console <name>; to have it start anew: virsh reboot <name>',
    part: 'vms',
  },
  'unplugged-vm': { title: 'VM that is not plugged into its network', fix: 'plug', part: 'network' },
  'filter-missing': {
    title: "VM whose filter is not in the kernel: it can use others' addresses",
    fix: 'restart-libvirt',
    part: 'network',
  },
  'network-down': { title: 'network of the VMs is down', fix: 'start-network', part: 'network' },
  'network-gone': {
    title: 'network of the VMs is gone',
    fix: null,
    advice: 'webhoster node prepare',
    part: 'network',
  },
  'network-overlap': {
    title: 'network of the VMs overlaps a route of this host',
    fix: null,
    advice: 'take the route away (ip route del <route>), or give that network other addresses',
    part: 'network',
  },
  'dhcp-down': {
    title: 'no DHCP in the network: new VMs get no address',
    fix: 'start-dhcp',
    part: 'network',
  },
  'rules-missing': {
    title: "libvirt's rules of the network are gone: VMs have no way out",
    fix: 'restart-libvirt',
    part: 'network',
  },
  'pool-down': { title: 'pool of the VMs is off', fix: 'start-pool', part: 'disk' },
  'pool-full': {
    title: 'no room for disks: VMs that write are paused',
    fix: null,
    advice: 'make room there, then webhoster doctor --fix lets paused VMs go on',
    part: 'disk',
  },
  'pool-low': {
    title: 'little room for disks: nothing new is made',
    fix: null,
    advice: 'make room there, or set POOL_MIN_FREE_MIB lower',
    part: 'disk',
  },
  'read-only': {
    title: 'file system that cannot be written any more',
    fix: null,
    advice: 'the kernel log (dmesg) says why; when the disk is sound: mount -o remount,rw <name>',
    part: 'disk',
  },
  'log-daemon-down': {
    title: 'virtlogd does not run: no VM can start',
    fix: 'start-log-daemon',
    part: 'libvirt',
  },
  'kvm-closed': {
    title: 'QEMU may not open /dev/kvm: each start of a VM costs seconds more',
    fix: 'open-kvm',
    part: 'libvirt',
  },
  'damaged-state': {
    title: 'state file of a workspace that cannot be read; the sealed copy takes its place',
    fix: 'look-again',
  },
  'edited-state': {
    title: 'state file of a workspace that was changed by hand; the sealed copy takes its place',
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
