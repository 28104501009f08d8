/**
 * Five sources held against each other: Postgres, Terraform's states, libvirt, Nginx, and the tables of ports and
 * addresses. Pure: the same snapshot gives the same findings.
 *
 * The sources cannot be read at one moment, so Postgres is read before and after the others. What has no hosting in
 * either reading is an orphan; what is missing from a hosting that both readings show running and at rest is missing.
 * Everything in between is on its way and is left to the next sweep.
 */
import { isoName, rootVolumeName, vmNameOf } from '../machine/libvirt/names';
import type { HeldPort } from '../machine/nginx/proxy';
import type { Survey } from '../machine/libvirt/inventory';
import type { NodeNames, NodeState } from '../machine/host/node-care';
import type { Finding, FindingKind } from './findings';
import { nodeFindings, vmFindings } from './ground';
import type { LocalState } from '../machine/terraform/judge-state';
import { stateFindings } from './local-states';
import type { HostingRecord, Records } from '../store/records';

export interface Snapshot {
  readonly before: Records;
  readonly after: Records;
  readonly libvirt: Survey;
  /** Directories of this machine's workspaces. */
  readonly workspaces: readonly string[];
  /** Stack -> names of the resources in its state; only of stacks whose state could be read. */
  readonly states: ReadonlyMap<string, readonly string[]>;
  /** Stack -> its state file in the workspace of this machine. */
  readonly localStates: ReadonlyMap<string, LocalState>;
  readonly node: {
    readonly names: NodeNames;
    readonly state: NodeState;
    /** Of room in the pool, below which nothing new is made. */
    readonly floorBytes: number;
  };
  /** Hostings that nothing answers at whose address. */
  readonly silent: ReadonlySet<string>;
  readonly routesServed: boolean;
  readonly heldPorts: readonly HeldPort[];
  /** Ids that the database knows, ended hostings too. */
  readonly known: ReadonlySet<string>;
}

export function compare(snapshot: Snapshot): Finding[] {
  return [
    ...orphans(snapshot),
    ...atRest(snapshot).flatMap((hosting) => defects(hosting, snapshot)),
    ...nodeFindings(snapshot.node.state, snapshot.node.names, snapshot.node.floorBytes),
    ...operations(snapshot),
    ...(snapshot.routesServed ? [] : [routesNotServed]),
    ...held(snapshot),
  ];
}

/** Every hosting id that the sources mention: whoever is looked for in the database. */
export function mentioned({
  after,
  libvirt,
  workspaces,
}: Pick<Snapshot, 'after' | 'libvirt' | 'workspaces'>): string[] {
  const ids = [
    ...libvirt.domains.flatMap((domain) => domain.hostingId ?? []),
    ...(libvirt.volumes ?? []).flatMap((name) => hostingOfVolume(name)?.id ?? []),
    ...workspaces.filter((name) => uuid.test(name)),
    ...[...after.stacks.keys(), ...after.routes, ...after.ports.keys(), ...after.addresses.keys()],
  ];
  return [...new Set(ids)];
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const routesNotServed: Finding = {
  kind: 'routes-not-served',
  stackId: null,
  subject: 'Nginx',
  known: true,
};

function held({ after, heldPorts }: Snapshot): Finding[] {
  return heldPorts.map(({ port, holder }) => {
    const [id = null] = [...after.ports].find(([, each]) => each === port) ?? [];
    const whose = id === null ? '' : `SSH to ${vmNameOf(id)} is not served; `;
    return {
      kind: 'held-port',
      stackId: id,
      subject: `SSH port ${port}`,
      known: true,
      detail: `${whose}held by ${holder ?? 'a program that is not visible from here'}`,
    };
  });
}

function orphans(snapshot: Snapshot): Finding[] {
  const { before, after, libvirt, workspaces, known } = snapshot;
  const mayBeOurs = (id: string): boolean =>
    ![before, after].some(({ living, busy, nodes }) => living.has(id) || busy.has(id) || nodes.has(id));
  const found = (kind: FindingKind, id: string, subject: string): Finding[] =>
    mayBeOurs(id) ? [{ kind, stackId: id, subject, known: known.has(id) }] : [];
  return [
    ...libvirt.domains.flatMap(({ name, hostingId }) =>
      hostingId !== null && vmNameOf(hostingId) === name ? found('orphan-domain', hostingId, name) : [],
    ),
    ...(libvirt.volumes ?? []).flatMap((name) => {
      const owner = hostingOfVolume(name);
      return owner === null ? [] : found(owner.kind, owner.id, name);
    }),
    ...workspaces.flatMap((name) => (uuid.test(name) ? found('orphan-workspace', name, name) : [])),
    ...[...after.stacks.keys()].flatMap((id) => found('orphan-stack', id, id)),
    ...[...after.routes].flatMap((id) => found('orphan-route', id, vmNameOf(id))),
    ...[...after.ports].flatMap(([id, port]) => found('orphan-port', id, `SSH port ${port}`)),
    ...[...after.addresses].flatMap(([id, ip]) => found('orphan-address', id, ip)),
    ...departed(snapshot),
  ];
}

/** The address of an ejected hosting is kept for its VM: no VM, no need of it. */
function departed({ before, after, libvirt }: Snapshot): Finding[] {
  const isThere = (id: string): boolean =>
    libvirt.domains.some(({ hostingId }) => hostingId === id) ||
    (libvirt.volumes?.some((name) => hostingOfVolume(name)?.id === id) ?? true);
  return [...after.living.values()]
    .filter(({ id, status }) => status === 'ejected' && before.living.get(id)?.status === 'ejected')
    .filter(({ id }) => !before.busy.has(id) && !after.busy.has(id) && !isThere(id))
    .map(({ id, ip, vmName }) => ({
      kind: 'orphan-address',
      stackId: id,
      subject: ip,
      known: true,
      detail: `${vmName} was ejected and is gone`,
    }));
}

/** Volumes have no place for a mark: their name is a hosting's id, in a pool that is ours. */
function hostingOfVolume(name: string): { id: string; kind: FindingKind } | null {
  const id = name.slice(0, 36);
  if (!uuid.test(id)) return null;
  if (name === rootVolumeName(id)) return { id, kind: 'orphan-volume' };
  return name === isoName(id) ? { id, kind: 'orphan-iso' } : null;
}

const restingStatuses: readonly HostingRecord['status'][] = ['running', 'sleeping', 'spare', 'saved'];

/** Hostings that both readings show running, asleep, or waiting for an owner, with nobody at work on them. */
function atRest({ before, after }: Snapshot): HostingRecord[] {
  return [...after.living.values()].filter(
    ({ id, status }) =>
      restingStatuses.includes(status) &&
      before.living.get(id)?.status === status &&
      !before.busy.has(id) &&
      !after.busy.has(id),
  );
}

function defects(hosting: HostingRecord, snapshot: Snapshot): Finding[] {
  const { id, vmName, status, sshPort, ip } = hosting;
  const { after, libvirt, states, localStates, node, silent } = snapshot;
  const finding = (kind: FindingKind, subject: string, detail?: string): Finding => ({
    kind,
    stackId: id,
    subject,
    known: true,
    ...(detail === undefined ? {} : { detail }),
  });
  const isSaved = status === 'sleeping' || status === 'saved';
  const isNobodys = status === 'spare' || status === 'saved';
  const domain = libvirt.domains.find((each) => each.name === vmName && each.hostingId === id);
  const state = states.get(id);
  const part = (kind: FindingKind, name: string, there: boolean): Finding[] => {
    if (!there) return [finding(kind, name)];
    return state === undefined || state.includes(name) ? [] : [finding('untracked-resource', name)];
  };
  return [
    ...(domain === undefined || !isSaved ? vmFindings(hosting, domain, node.state, node.names, silent) : []),
    ...(domain === undefined ? [] : part('missing-domain', vmName, true)),
    ...part('missing-volume', rootVolumeName(id), libvirt.volumes?.includes(rootVolumeName(id)) ?? true),
    ...part('missing-iso', isoName(id), libvirt.volumes?.includes(isoName(id)) ?? true),
    ...(state === undefined ? [finding('missing-state', vmName)] : []),
    ...stateFindings(hosting, localStates.get(id)),
    ...(isNobodys || after.routes.has(id) ? [] : [finding('missing-route', vmName)]),
    ...(after.ports.get(id) === sshPort ? [] : [finding('missing-port', vmName, `SSH port ${sshPort}`)]),
    ...(after.addresses.get(id) === ip ? [] : [finding('missing-address', vmName, ip)]),
  ];
}

function operations({ after }: Snapshot): Finding[] {
  const kinds = [
    ['stuck-operation', after.stuck],
    ['idle-operation', after.idle],
  ] as const;
  return kinds.flatMap(([kind, list]) =>
    list.map(({ id, kind: operation, stackId, reason }) => ({
      kind,
      stackId,
      subject: `${operation} of ${after.nodes.has(stackId) ? 'the node' : vmNameOf(stackId)}`,
      known: true,
      operationId: id,
      ...(reason === null ? {} : { detail: reason }),
    })),
  );
}
