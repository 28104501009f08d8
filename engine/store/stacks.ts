/** Stacks: their specifications, and their sealed Terraform states. */
import type { NodeCapacity } from '../model/capacity';
import type { SupportedLimits } from '../machine/isolation/isolation';
import type { HostingSpec, NodeSpec, StackSpec } from '../../stacks';
import type { StateMark } from '../machine/terraform/judge-state';
import type { Tx } from './database';
import { NodeRow, StackRow } from './entities/stack';

export type { NodeRow, StackRow } from './entities/stack';

/** How a VM boots from an image on one node. */
export type NodeImage = HostingSpec['image'];

export async function saveSpec(tx: Tx, id: string, spec: StackSpec): Promise<void> {
  await tx.upsert(StackRow, { id, kind: spec.kind, spec: spec as object }, ['id']);
}

/** What is known of a state without opening it. */
export interface StateFacts {
  /** Names of the resources in it. */
  readonly names: readonly string[];
  readonly mark: StateMark | null;
}

/** Saves the newest state; an older serial never replaces a newer one. */
export async function saveState(
  tx: Tx,
  id: string,
  { serial, sealed, facts }: { serial: number; sealed: Buffer; facts: StateFacts },
): Promise<void> {
  await tx.query(
    `UPDATE stacks SET state_serial = $2, state_sealed = $3, resource_names = $4, state_mark = $5,
       state_saved_at = clock_timestamp()
     WHERE id = $1 AND (state_serial IS NULL OR state_serial <= $2)`,
    [id, serial, sealed, facts.names, facts.mark],
  );
}

export async function sealedState(
  tx: Tx,
  id: string,
): Promise<{ serial: string | null; sealed: Buffer } | null> {
  const [row]: { serial: string | null; sealed: Buffer }[] = await tx.query(
    `SELECT state_serial AS serial, state_sealed AS sealed FROM stacks WHERE id = $1 AND state_sealed IS NOT NULL`,
    [id],
  );
  return row ?? null;
}

/** Saves the facts of the state with this serial; a state saved meanwhile has its own. */
export async function noteStateFacts(
  tx: Tx,
  id: string,
  serial: string | null,
  { names, mark }: StateFacts,
): Promise<void> {
  await tx.query(
    `UPDATE stacks SET resource_names = $3, state_mark = $4
     WHERE id = $1 AND resource_names IS NULL AND state_serial IS NOT DISTINCT FROM $2`,
    [id, serial, names, mark],
  );
}

export function findStack(tx: Tx, id: string): Promise<StackRow | null> {
  return tx.findOneBy(StackRow, { id });
}

export async function deleteStack(tx: Tx, id: string): Promise<void> {
  await tx.delete(StackRow, { id });
  await tx.query(`DELETE FROM drift WHERE stack_id = $1`, [id]);
}

export function findNode(tx: Tx, name: string): Promise<NodeRow | null> {
  return tx.findOneBy(NodeRow, { name });
}

export function findNodeOfStack(tx: Tx, stackId: string): Promise<NodeRow | null> {
  return tx.findOneBy(NodeRow, { stackId });
}

/** The row of the node, created with this stack id if the node is new. */
export async function ensureNode(tx: Tx, name: string, stackId: string): Promise<NodeRow> {
  await tx.query(`INSERT INTO nodes (name, stack_id) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, [
    name,
    stackId,
  ]);
  return tx.findOneByOrFail(NodeRow, { name });
}

export async function updateNode(
  tx: Tx,
  name: string,
  change: {
    domainType?: 'kvm' | 'qemu';
    prepared?: string | null;
    images?: Record<string, NodeImage>;
    limits?: SupportedLimits;
    capacity?: NodeCapacity;
  },
): Promise<void> {
  await tx.update(NodeRow, { name }, change as object);
}

export function nodeSpecOf(row: StackRow | null): NodeSpec | null {
  return row?.spec?.kind === 'node' ? row.spec : null;
}

/** Stacks that were ever created, oldest state first. */
export async function listStacks(tx: Tx): Promise<Pick<StackRow, 'id' | 'kind'>[]> {
  return tx.find(StackRow, { select: { id: true, kind: true }, order: { kind: 'DESC', id: 'ASC' } });
}
