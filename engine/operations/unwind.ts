/** The way back: undoes every step that was started, last first. */
import type { Failure } from '../engine';
import { toEngineError } from '../errors';
import { markStep, moveOperation, stepsOf } from '../store/operations';
import { type Work, stepContext } from './forward';
import { Interruption } from './operation';

const retryDelaysMs = [500, 1_000, 2_000, 4_000];

/**
 * Ends in `failed` when everything was undone, in `stuck` when an undo would not succeed.
 *
 * @throws {Interruption} when the worker must let go
 */
export async function unwind(work: Work, failure: Failure): Promise<void> {
  const { parts, row, definition } = work;
  // read again: goForward has moved them
  const steps = await stepsOf(parts.database.direct, row.id);
  if (row.status !== 'unwinding') await work.write((tx) => moveOperation(tx, row.id, 'unwinding', failure));
  const outputs = new Map(steps.map((step) => [step.name, step.output]));
  const context = stepContext(work, { signal: work.stop, resumed: true, failure, outputs });
  for (const [position, step] of [...definition.steps.entries()].reverse()) {
    const status = steps[position]?.status;
    const started = status !== undefined && status !== 'pending' && status !== 'undone';
    if (!started || step.undo === undefined) continue;
    const at = { position, name: step.name };
    const undone = await tryUndo(work, () => step.undo?.(context) ?? Promise.resolve());
    await work.write((tx) => markStep(tx, row.id, at, undone ? 'undone' : 'undo_failed'));
    if (undone) continue;
    await work.write((tx) => moveOperation(tx, row.id, 'stuck'));
    return;
  }
  await work.write((tx) => moveOperation(tx, row.id, 'failed', failure));
}

async function tryUndo(work: Work, undo: () => Promise<void>): Promise<boolean> {
  for (let attempt = 0; ; attempt++) {
    if (work.stop.aborted) throw work.stop.reason;
    try {
      await undo();
      return true;
    } catch (thrown) {
      if (work.stop.aborted) throw work.stop.reason;
      const error = toEngineError(thrown);
      if (error.code === 'lease_lost') throw new Interruption('lease-lost');
      work.parts.log.error({ err: error, attempt }, 'undo failed');
      const delay = retryDelaysMs[attempt];
      if (delay === undefined) return false;
      await work.parts.clock.sleep(delay, work.stop).catch(() => undefined);
    }
  }
}
