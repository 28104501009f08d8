/** What a sweep can find, and what is done about each kind. */

/** How a finding is mended; `null` where that would touch a user's data or needs a decision. */
export type Fix = 'remove-orphan' | 'go-on' | 'publish' | 'reopen' | null;

interface Kind {
  /** For tables and headings. */
  readonly title: string;
  readonly fix: Fix;
  /** What a person does, where nothing does it for them. */
  readonly advice?: string;
}

const drift = 'drift: delete the hosting and create it again, or bring the part back by hand';

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
  'missing-domain': { title: 'hosting whose VM is gone', fix: null, advice: drift },
  'missing-volume': { title: 'hosting whose disk is gone', fix: null, advice: drift },
  'missing-iso': { title: 'hosting whose cloud-init disk is gone', fix: null, advice: drift },
  'missing-state': { title: 'hosting without Terraform state', fix: null, advice: drift },
  'untracked-resource': { title: 'part of a hosting that Terraform does not know', fix: null, advice: drift },
  'stopped-domain': {
    title: 'running hosting whose VM is off',
    fix: null,
    advice: 'start it: virsh start <name>',
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
