/** Waiting for a plan on behalf of a request, and what is answered of it. */
import type { z } from 'zod';
import type { Operation } from '../engine';
import type { Language } from './language';
import { awaitOperation, type Waiting } from './operation-wait';
import type { planAnswer, planPending } from './schemas/terraform';
import { showPlan } from './terraform-views';
import { showOperation } from './views';

/** With `done` the plan, else the operation that makes it. */
export type PlanWaited = { readonly headers: Readonly<Record<string, string>> } & (
  | { readonly done: true; readonly data: z.output<typeof planAnswer> }
  | { readonly done: false; readonly data: z.output<typeof planPending> }
);

/** @throws {HttpError} what the planning failed with */
export async function awaitPlan(
  context: Waiting & { readonly language: Language },
  accepted: Operation,
  prefer: string | undefined,
): Promise<PlanWaited> {
  const { done, operation, headers } = await awaitOperation(context, accepted, prefer);
  const shown = showOperation(operation, context.language);
  if (!done) return { done, data: { operation: shown }, headers };
  const plan = showPlan(await context.engine.plans.of(operation));
  return { done, data: { plan, operation: shown }, headers };
}
