/**
 * Looks at what an apply would change, and changes nothing: no resource, no specification, no state. What comes out
 * is the output of the last step.
 */
import type { Operation } from '../model/operation';
import { accept, type OperationDefinition, type Parts, type StepContext } from '../durable';
import type { Tx } from '../store/database';
import { driftOf, noteDrift, noteDriftAsked } from '../store/drift';
import { scheduledInput } from '../store/operations';
import {
  differences,
  initializeStack,
  planStack,
  requireWorkspace,
  unseenDrift,
  type UnseenDrift,
} from '../stack';

export interface Drift {
  /** Whether what there is differs from the specification. */
  readonly changes: boolean;
  /** What differs, e.g. `libvirt_domain.vm: update (running)`. */
  readonly differences: readonly string[];
  /** False when the look before found the same. */
  readonly news: boolean;
}

export const checkDrift: OperationDefinition = {
  kind: 'check-drift',
  background: true,
  onFailure: 'unwind',
  // 24 looks a day at each hosting: what was found is kept, and that it was looked
  isNoNews: ({ record }) => !(record as Drift).news,
  steps: [
    // never again: what is recorded at the end would be taken for what was known before
    { name: 'recall', run: recall },
    { name: 'workspace', run: requireWorkspace },
    // another machine may go on, and has no workspace of this stack
    { name: 'init', run: initializeStack, restartAt: 'workspace' },
    { name: 'look', run: unseenDrift, restartAt: 'workspace' },
    { name: 'plan', run: plan, restartAt: 'workspace' },
    { name: 'record', run: record, restartAt: 'workspace' },
  ],
};

/** Has a hosting looked at. @param asked  who asked; nobody when it is its turn */
export async function acceptLook(
  parts: Pick<Parts, 'queue'>,
  tx: Tx,
  hostingId: string,
  asked: { userId?: number } | null = null,
): Promise<Operation> {
  await noteDriftAsked(tx, hostingId);
  const how = asked ?? { input: scheduledInput };
  return accept(parts, tx, checkDrift, { stackId: hostingId, hostingId, ...how });
}

async function recall({ parts, stackId }: StepContext): Promise<readonly string[]> {
  return (await driftOf(parts.database.direct, stackId)).differences;
}

/** A plan is not possible when the disk is gone: its refresh asks for it. */
async function plan(context: StepContext): Promise<void> {
  if (!context.output<UnseenDrift>('look').diskLost) await planStack(context, 'apply');
}

async function record(context: StepContext): Promise<Drift> {
  const found = await differences(context, context.output<UnseenDrift>('look'));
  await context.write((tx) => noteDrift(tx, context.stackId, found));
  const news = JSON.stringify(found) !== JSON.stringify(context.output<readonly string[]>('recall'));
  return { changes: found.length > 0, differences: found, news };
}
