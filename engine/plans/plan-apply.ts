/**
 * Looks at what an apply would change, and changes nothing: no resource, no specification, no state. What comes out
 * is the output of the last step.
 */
import { z } from 'zod';
import type { Operation } from '../model/operation';
import { accept, type Parts } from '../durable';
import { operation, type StepWith, type UnseenDrift } from '../stack';
import type { Tx } from '../store/database';
import { driftOf, noteDrift, noteDriftAsked } from '../store/drift';
import { scheduledInput } from '../store/operations';

export interface Drift {
  /** Whether what there is differs from the specification. */
  readonly changes: boolean;
  /** What differs, e.g. `libvirt_domain.vm: update (running)`. */
  readonly differences: readonly string[];
  /** False when the look before found the same. */
  readonly news: boolean;
}

const input = z.object({
  /** Where the service itself asks, time and again. */
  scheduled: z.literal(true).optional(),
  /** For people who read the record. */
  by: z.string().optional(),
});

export const planApply = operation({
  kind: 'plan-apply',
  input,
  needs: ['database', 'stack'],
  onFailure: 'unwind',
  onRemoval: 'wait',
  background: true,
})
  // never again: what is recorded at the end would be taken for what was known before
  .step('recall', { do: recall })
  .step('workspace', { do: ({ stack }) => stack.require() })
  // another machine may go on, and has no workspace of this stack
  .step('init', { do: ({ stack }) => stack.init(), restartAt: 'workspace' })
  .step('look', { do: ({ stack }) => stack.look(), restartAt: 'workspace' })
  .step('plan', { do: plan, restartAt: 'workspace' })
  .step('record', { do: record, restartAt: 'workspace' })
  // 24 looks a day at each hosting: what was found is kept, and that it was looked
  .noNewsIf((done) => !done.record.news);

/** Has a hosting looked at. @param asked  who asked; nobody when it is its turn */
export async function acceptLook(
  parts: Pick<Parts, 'queue'>,
  tx: Tx,
  hostingId: string,
  asked: { userId?: number } | null = null,
): Promise<Operation> {
  await noteDriftAsked(tx, hostingId);
  const how = asked ?? { input: scheduledInput };
  return accept(parts, tx, planApply, { stackId: hostingId, hostingId, ...how });
}

async function recall({ database, stackId }: StepWith<'database'>): Promise<readonly string[]> {
  return (await driftOf(database.direct, stackId)).differences;
}

/** A plan is not possible when the disk is gone: its refresh asks for it. */
async function plan({ stack }: StepWith<'stack'>, { look }: { look: UnseenDrift }): Promise<void> {
  if (!look.diskLost) await stack.plan('apply');
}

async function record(
  { stack, stackId, write }: StepWith<'stack'>,
  { look, recall: known }: { look: UnseenDrift; recall: readonly string[] },
): Promise<Drift> {
  const found = await stack.differences(look);
  await write((tx) => noteDrift(tx, stackId, found));
  const news = JSON.stringify(found) !== JSON.stringify(known);
  return { changes: found.length > 0, differences: found, news };
}
