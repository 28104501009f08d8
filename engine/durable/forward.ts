/** The way forward through an operation's steps. */
import type { Failure } from '../model/operation';
import { errorTexts, toEngineError } from '../base/errors';
import type { RunnerParts } from './parts';
import type { Tx } from '../store/database';
import {
  markSkipped,
  markStep,
  moveOperation,
  type OperationRow,
  type OperationStepRow,
} from '../store/operations';
import {
  type HeldStep,
  Interruption,
  skipped,
  type OperationDefinition,
  type Step,
  type StepContext,
} from './definition';
import { type Span, traced } from '../base/tracing';
import { anotherTry } from './retry';

/** One operation while this worker holds its stack. */
export interface Work<Ports> {
  readonly parts: RunnerParts;
  readonly definition: OperationDefinition<Ports>;
  readonly row: OperationRow;
  readonly steps: readonly OperationStepRow[];
  readonly stop: AbortSignal;
  /** @throws {Interruption} if the lease may have expired while this process was suspended */
  readonly assertHeld: () => void;
  readonly write: <T>(body: (tx: Tx) => Promise<T>) => Promise<T>;
  readonly report: HeldStep['report'];
  /** What steps work with, bound to one of them. */
  readonly ports: (step: HeldStep) => Ports;
}

/**
 * Runs the steps that are not done.
 *
 * @returns why it failed, or null once all are done
 * @throws {Interruption} if the worker has to let go
 */
export async function goForward<Ports>(work: Work<Ports>, signal: AbortSignal): Promise<Failure | null> {
  const { row, write } = work;
  try {
    if (row.status !== 'running') await write((tx) => moveOperation(tx, row.id, 'running'));
    const failure = await runSteps(work, signal);
    if (failure === null) await write((tx) => moveOperation(tx, row.id, 'succeeded'));
    return failure;
  } catch (thrown) {
    // a cancel is a way to fail; any other interruption means that this worker must let go
    if (thrown instanceof Interruption && thrown.why === 'cancelled') return cancelled;
    throw thrown;
  }
}

/** A step that fails and may pass is gone back to as after a crash: to itself, or to where it says it must begin again. */
async function runSteps<Ports>(work: Work<Ports>, signal: AbortSignal): Promise<Failure | null> {
  const { definition, row, steps, write } = work;
  const outputs = outputsOf(steps);
  const tries = new Map<Step<Ports>, number>();
  const begun = new Set(steps.flatMap(({ name, status }) => (status === 'pending' ? [] : [name])));
  // written down with the next step's beginning: to pass over many costs no more than one
  let passedOver: number[] = [];
  const noted = async (tx: Tx): Promise<void> => {
    if (passedOver.length > 0) await markSkipped(tx, row.id, passedOver, skipped);
  };
  let position = startingPosition(definition, steps);
  for (let step = definition.steps[position]; step !== undefined; step = definition.steps[position]) {
    const at = { position, name: step.name };
    const resumed = begun.has(step.name);
    const context = stepContext(work, { signal, resumed, failure: null, outputs });
    try {
      signal.throwIfAborted();
      if ((await step.when?.(context)) === false) {
        outputs.set(step.name, skipped);
        passedOver.push(position);
      } else {
        begun.add(step.name);
        await write(async (tx) => {
          await noted(tx);
          await markStep(tx, row.id, at, 'running');
        });
        passedOver = [];
        outputs.set(step.name, await runStep(work, at, step, context));
      }
      position += 1;
    } catch (thrown) {
      const tried = tries.get(step) ?? 0;
      tries.set(step, tried + 1);
      if (!(await worthAnother(work, step, thrown, tried, signal))) {
        await write((tx) => markStep(tx, row.id, at, 'failed'));
        const { code, message } = toEngineError(thrown);
        return { code, message };
      }
      position = restartPosition(definition, position);
    }
  }
  if (passedOver.length > 0) await write(noted);
  return null;
}

/** Measures one try of a step or of an undo. @param wanted  the outcome of success */
export function timed<T>(
  { parts, row }: Pick<Work<never>, 'parts' | 'row'>,
  step: string,
  wanted: 'done' | 'undone',
  run: () => Promise<T>,
): Promise<T> {
  const attributes = {
    'webhoster.operation.id': row.id,
    'webhoster.operation.kind': row.kind,
    'webhoster.step': step,
    'webhoster.hosting.id': row.hostingId,
  };
  return traced(parts.tracing, `${wanted === 'done' ? 'step' : 'undo'} ${step}`, { attributes }, (span) =>
    measured(parts, { kind: row.kind, step, outcome: wanted }, span, run),
  );
}

async function measured<T>(
  { measures }: Pick<RunnerParts, 'measures'>,
  labels: { readonly kind: string; readonly step: string; readonly outcome: 'done' | 'undone' },
  span: Span,
  run: () => Promise<T>,
): Promise<T> {
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1000;
  try {
    const result = await run();
    measures.observe('operation_steps', labels, seconds());
    span.set({ 'webhoster.outcome': labels.outcome });
    return result;
  } catch (thrown) {
    const failed =
      thrown instanceof Interruption ? 'interrupted' : labels.outcome === 'done' ? 'failed' : 'undo_failed';
    measures.observe('operation_steps', { ...labels, outcome: failed }, seconds());
    span.set({ 'webhoster.outcome': failed });
    throw thrown;
  }
}

/** Of the first step that is not done, or of the one that a died step says to restart at. */
function startingPosition(definition: Listed, rows: readonly OperationStepRow[]): number {
  const open = definition.steps.findIndex((_, index) => rows[index]?.status !== 'done');
  const position = open === -1 ? definition.steps.length : open;
  const status = rows[position]?.status;
  return status === 'running' || status === 'failed' ? restartPosition(definition, position) : position;
}

/** Its steps' names, and where each begins again. */
interface Listed {
  readonly steps: readonly Pick<Step<never>, 'name' | 'restartAt'>[];
}

function restartPosition({ steps }: Listed, position: number): number {
  const name = steps[position]?.restartAt;
  return name === undefined ? position : steps.findIndex((step) => step.name === name);
}

async function runStep<Ports>(
  work: Work<Ports>,
  at: { position: number; name: string },
  step: Step<Ports>,
  context: StepContext<Ports>,
): Promise<unknown> {
  const { row, write } = work;
  const output = await timed(work, step.name, 'done', async () => {
    return (await step.run?.(context)) ?? null;
  });
  await write((tx) => markStep(tx, row.id, at, 'done', output));
  return output;
}

function worthAnother(
  { parts, definition, report }: Pick<Work<never>, 'parts' | 'definition' | 'report'>,
  { name }: Pick<Step<never>, 'name'>,
  thrown: unknown,
  tries: number,
  signal: AbortSignal,
): Promise<boolean> {
  return anotherTry(thrown, tries, {
    clock: parts.clock,
    signal,
    way: definition.onFailure === 'unwind' ? 'forward' : 'no-way-back',
    onFailure: (err, willRetry) => {
      parts.log.warn({ err, step: name, willRetry }, 'step failed');
      if (willRetry) report(`${name} failed; retrying`, { step: name, code: err.code });
    },
  });
}

const cancelled: Failure = { code: 'cancelled', message: errorTexts.cancelled.en };

export function outputsOf(steps: readonly OperationStepRow[]): Map<string, unknown> {
  return new Map(steps.map((step) => [step.name, step.output]));
}

export function stepContext<Ports>(
  work: Work<Ports>,
  now: Pick<StepContext<Ports>, 'signal' | 'resumed' | 'failure'> & { outputs: Map<string, unknown> },
): StepContext<Ports> {
  const { parts, row, write, report, assertHeld } = work;
  const { outputs, ...state } = now;
  const { id: operationId, stackId, input } = row;
  const basics = { ...state, operationId, stackId, input, log: parts.log, write, report };
  return { ...basics, outputs, ports: work.ports({ ...basics, assertHeld }) };
}
