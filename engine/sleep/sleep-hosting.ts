/**
 * Saves a VM with its memory to the disk: it uses no memory any more, and goes on where it was when it is woken. Nothing
 * is lost: whoever comes meanwhile is led to the doors, which have it woken.
 */
import { z } from 'zod';
import { EngineError } from '../base/errors';
import { hostingAt, leadToDoors, leadToVm, roomToSave, save, start, whileAsleep } from '../hostings';
import { operation, type StepWith } from '../stack';

const input = z.object({
  /** Also when somebody is connected; their session stands still. */
  force: z.boolean().default(false),
});
export type SleepInput = z.output<typeof input>;

export const sleepHosting = operation({
  kind: 'sleep-hosting',
  input,
  needs: ['config', 'database', 'inventory', 'nodeCare', 'routePublisher', 'traffic'],
  onFailure: 'unwind',
  onRemoval: 'resume',
})
  .step('doors', { do: leadToDoors, undo: leadToVm })
  .step('look', { do: look })
  .step('save', { do: save, undo: whileAsleep(start) });

/** Who came in before the doors took over is still connected; nobody else can come by now. */
async function look(
  context: StepWith<'config' | 'database' | 'nodeCare' | 'traffic', SleepInput>,
): Promise<void> {
  const { ip, vmName } = await hostingAt(context);
  await roomToSave(context);
  if (context.input.force) return;
  if ((await context.traffic.connected()).has(ip))
    throw new EngineError('hosting_busy', `Someone is connected to ${vmName}`);
}
