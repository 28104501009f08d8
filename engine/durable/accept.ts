/** Accepting an operation: its rows and its job, in the caller's transaction. */
import { z } from 'zod';
import type { Operation } from '../model/operation';
import type { Parts } from './parts';
import type { Tx } from '../store/database';
import { countUnfinishedOf, insertOperation, type NewOperation } from '../store/operations';
import type { OperationDefinition } from './definition';
import { wakeWorker } from './wake-worker';

/** Of a definition, what accepting needs. */
export interface Acceptable<Schema extends z.ZodType>
  extends Pick<OperationDefinition<never>, 'kind' | 'lane' | 'background'>, Pick<NewOperation, 'steps'> {
  readonly input: Schema;
}

interface About {
  readonly stackId: string;
  readonly hostingId?: string;
  /** Who asked; absent for the service itself. */
  readonly userId?: number;
  /** The number of their unfinished operations; counted if absent. */
  readonly unfinished?: number;
}

export type Wanted<Schema extends z.ZodType = z.ZodType> = About &
  (Record<never, never> extends z.input<Schema>
    ? { readonly input?: z.input<Schema> }
    : { readonly input: z.input<Schema> });

export async function accept<Schema extends z.ZodType>(
  parts: Pick<Parts, 'queue'>,
  tx: Tx,
  definition: Acceptable<Schema>,
  wanted: Wanted<NoInfer<Schema>>,
): Promise<Operation> {
  const operation = await inserted(tx, definition, wanted, await turnOf(tx, definition, wanted));
  await wakeWorker(parts, tx, wanted.stackId);
  return operation;
}

/** As `accept`, for somebody who sees it through at once: no worker is woken. */
export function acceptHere<Schema extends z.ZodType>(
  tx: Tx,
  definition: Acceptable<Schema>,
  wanted: Wanted<NoInfer<Schema>>,
): Promise<Operation> {
  return inserted(tx, definition, wanted, 0);
}

function inserted(
  tx: Tx,
  { kind, steps, lane, input: schema }: Acceptable<z.ZodType>,
  { unfinished: _, input = {}, ...about }: Wanted,
  priority: number,
): Promise<Operation> {
  const parsed = z.record(z.string(), z.unknown()).parse(schema.parse(input));
  return insertOperation(tx, { kind, steps, lane, priority, ...about, input: parsed });
}

const behindUsers = 100;

/** Everybody's first operation comes before anybody's second; what nobody waits for comes last. */
async function turnOf(
  tx: Tx,
  { background }: Pick<Acceptable<z.ZodType>, 'background'>,
  { userId, unfinished }: About,
): Promise<number> {
  if (userId === undefined) return background === true ? behindUsers : 0;
  return Math.min(unfinished ?? (await countUnfinishedOf(tx, userId)), behindUsers - 1);
}
