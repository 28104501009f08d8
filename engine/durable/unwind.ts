/** The way back: undoes every step that was started, last first. */
import type { Failure } from '../model/operation';
import { markStep, moveOperation, stepsOf } from '../store/operations';
import { isSkipped } from './definition';
import { outputsOf, stepContext, timed, type Work } from './forward';
import { anotherTry } from './retry';

/**
 * Ends in `failed` if everything was undone, in `stuck` if an undo did not succeed.
 *
 * @throws {Interruption} if the worker has to let go
 */
export async function unwind<Ports>(work: Work<Ports>, failure: Failure): Promise<void> {
  const { parts, row, definition } = work;
  // read again: goForward has moved them
  const steps = await stepsOf(parts.database.direct, row.id);
  if (row.status !== 'unwinding') await work.write((tx) => moveOperation(tx, row.id, 'unwinding', failure));
  const outputs = outputsOf(steps);
  const context = stepContext(work, { signal: work.stop, resumed: true, failure, outputs });
  for (const [position, step] of [...definition.steps.entries()].reverse()) {
    const { status, output, tries = 0 } = steps[position] ?? {};
    const started = status !== undefined && status !== 'pending' && status !== 'undone';
    // begun once, and passed over by a later try, it may have done something
    if (isSkipped(output) && tries === 0) continue;
    if (!started || step.undo === undefined) continue;
    const at = { position, name: step.name };
    const undone = await tryUndo(work, step.name, () => step.undo?.(context) ?? Promise.resolve());
    await work.write((tx) => markStep(tx, row.id, at, undone ? 'undone' : 'undo_failed'));
    if (undone) continue;
    await work.write((tx) => moveOperation(tx, row.id, 'stuck'));
    return;
  }
  await work.write((tx) => moveOperation(tx, row.id, 'failed', failure));
}

/** Everything is worth another try here: giving up leaves something behind. */
async function tryUndo(
  work: Pick<Work<never>, 'parts' | 'row' | 'stop'>,
  name: string,
  undo: () => Promise<void>,
): Promise<boolean> {
  const { parts, stop } = work;
  for (let tries = 0; ; tries++) {
    try {
      await timed(work, name, 'undone', undo);
      return true;
    } catch (thrown) {
      const again = await anotherTry(thrown, tries, {
        clock: parts.clock,
        signal: stop,
        way: 'back',
        onFailure: (err, willRetry) => {
          parts.log.error({ err, step: name, willRetry }, 'undo failed');
        },
      });
      if (!again) return false;
    }
  }
}
