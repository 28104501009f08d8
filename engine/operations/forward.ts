/** The way forward through an operation's steps. */
import type { Failure } from '../engine';
import { EngineError, toEngineError } from '../errors';
import type { Parts } from '../parts';
import type { Tx } from '../store/database';
import { markStep, moveOperation, type OperationRow, type OperationStepRow } from '../store/operations';
import { Interruption, type OperationDefinition, type Step, type StepContext } from './operation';
import { retrying } from './retry';

/** One operation while this worker holds its stack. */
export interface Work {
  readonly parts: Parts;
  readonly definition: OperationDefinition;
  readonly row: OperationRow;
  readonly steps: readonly OperationStepRow[];
  readonly stop: AbortSignal;
  readonly write: <T>(body: (tx: Tx) => Promise<T>) => Promise<T>;
  readonly report: StepContext['report'];
}

/**
 * Runs the steps that are not done.
 *
 * @returns why it failed, or null when all are done
 * @throws {Interruption} when the worker must let go
 */
export async function goForward(work: Work, signal: AbortSignal): Promise<Failure | null> {
  const { definition, row, steps } = work;
  const outputs = new Map(steps.map((step) => [step.name, step.output]));
  const { position, resumed } = startingPoint(definition, steps);
  if (row.status !== 'running') await work.write((tx) => moveOperation(tx, row.id, 'running'));
  for (const [index, step] of definition.steps.entries()) {
    if (index < position) continue;
    const context = stepContext(work, {
      signal,
      resumed: resumed && index === position,
      failure: null,
      outputs,
    });
    const failure = await runStep(work, { position: index, name: step.name }, step, context);
    if (failure !== null) return failure;
  }
  await work.write((tx) => moveOperation(tx, row.id, 'succeeded'));
  return null;
}

/** The first step that is not done, or the one that a died step says to restart at. */
function startingPoint(
  { steps }: OperationDefinition,
  rows: readonly OperationStepRow[],
): { position: number; resumed: boolean } {
  const open = steps.findIndex((_, index) => rows[index]?.status !== 'done');
  const position = open === -1 ? steps.length : open;
  const status = rows[position]?.status;
  const resumed = status === 'running' || status === 'failed';
  const restartAt = resumed ? steps[position]?.restartAt : undefined;
  return {
    position: restartAt === undefined ? position : steps.findIndex((step) => step.name === restartAt),
    resumed,
  };
}

async function runStep(
  work: Work,
  at: { position: number; name: string },
  step: Step,
  context: StepContext & { remember: (step: string, output: unknown) => void },
): Promise<Failure | null> {
  const { parts, row, write } = work;
  const attempt = async (): Promise<void> => {
    await write((tx) => markStep(tx, row.id, at, 'running'));
    const output = (await step.run?.(context)) ?? null;
    context.remember(step.name, output);
    await write((tx) => markStep(tx, row.id, at, 'done', output));
  };
  try {
    await retrying(attempt, {
      clock: parts.clock,
      signal: context.signal,
      worthAnother: (error) => error.retryable,
      onFailure: (err, willRetry) => {
        parts.log.warn({ err, step: step.name, willRetry }, 'step failed');
      },
    });
    return null;
  } catch (thrown) {
    // a cancel is a way to fail; any other interruption means that this worker must let go
    if (thrown instanceof Interruption && thrown.why === 'cancelled') return cancelled;
    if (thrown instanceof Interruption) throw thrown;
    const { code, message } = toEngineError(thrown);
    await write((tx) => markStep(tx, row.id, at, 'failed'));
    return { code, message };
  }
}

const cancelled: Failure = { code: 'cancelled', message: 'The operation was cancelled' };

export function stepContext(
  work: Work,
  now: { signal: AbortSignal; resumed: boolean; failure: Failure | null; outputs: Map<string, unknown> },
): StepContext & { remember: (step: string, output: unknown) => void } {
  const { parts, row, write, report } = work;
  return {
    parts,
    operationId: row.id,
    stackId: row.stackId,
    input: row.input,
    signal: now.signal,
    resumed: now.resumed,
    failure: now.failure,
    write,
    report,
    output: <T>(step: string): T => {
      if (!now.outputs.has(step))
        throw new EngineError('internal', 'Something failed inside the service', {
          cause: new Error(`no output of ${step}`),
        });
      return now.outputs.get(step) as T;
    },
    remember: (step, output) => now.outputs.set(step, output),
  };
}
