/**
 * Saves a VM with its memory to the disk: it uses no memory any more, and goes on where it was when it is woken. Nothing
 * is lost: whoever comes meanwhile is led to the doors, which have it woken.
 */
import { EngineError } from '../base/errors';
import type { OperationDefinition, StepContext } from '../durable';
import { hostingAt, leadToDoors, leadToVm, roomToSave, save, start, whileAsleep } from '../hostings';

export const sleepHosting: OperationDefinition = {
  kind: 'sleep-hosting',
  onFailure: 'unwind',
  steps: [
    { name: 'doors', run: leadToDoors, undo: leadToVm },
    { name: 'look', run: look },
    { name: 'save', run: save, undo: whileAsleep(start) },
  ],
};

export interface SleepInput {
  /** Also when somebody is connected; their session stands still. */
  readonly force: boolean;
}

/** Who came in before the doors took over is still connected; nobody else can come by now. */
async function look(context: StepContext): Promise<void> {
  const { ip, vmName } = await hostingAt(context);
  await roomToSave(context);
  if ((context.input as unknown as SleepInput).force) return;
  if ((await context.parts.traffic.connected()).has(ip))
    throw new EngineError('hosting_busy', `Someone is connected to ${vmName}`);
}
