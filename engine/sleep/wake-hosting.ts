/** Brings a VM that sleeps back to where it was, and leads its page and its SSH port to it again. */
import { allOf } from '../base/each-of';
import { clearTrouble } from '../store/troubles';
import { EngineError } from '../base/errors';
import type { OperationDefinition, StepContext } from '../durable';
import {
  hostingAt,
  leadToDoors,
  leadToVm,
  putFences,
  room,
  save,
  setClock,
  start,
  whileAsleep,
  whileDown,
} from '../hostings';
import { waitUntil } from '../base/wait-until';

export const wakeHosting: OperationDefinition = {
  kind: 'wake-hosting',
  lane: 'quick',
  onFailure: 'unwind',
  steps: [
    { name: 'room', run: whileDown(room) },
    { name: 'fence', run: whileDown(fence) },
    { name: 'start', run: startUnlessUp, undo: whileAsleep(save) },
    { name: 'settle', run: settle },
    { name: 'open', run: asleep(leadToVm), undo: closeAgain },
  ],
};

export interface WakeInput {
  /** Starts from the disk: what was only in its memory is lost. */
  readonly cold: boolean;
}

/** All of it in one step, where an operation needs the VM; one that is awake stays as it is. */
export async function wake(context: StepContext): Promise<void> {
  for (const step of wakeHosting.steps) await step.run?.(context);
}

/** One that should run and does not is off, or paused: it is started where it is. */
async function startUnlessUp(context: StepContext): Promise<void> {
  const { status, vmName } = await hostingAt(context);
  if (status === 'sleeping') return start(context);
  if (status === 'running' && (await context.parts.inventory.domainState(vmName)) !== 'running')
    await start(context);
}

/** One that is gone is told of, unlike in an undo. */
function asleep(act: (context: StepContext) => Promise<void>) {
  return async (context: StepContext): Promise<void> => {
    if ((await hostingAt(context)).status === 'sleeping') await act(context);
  };
}

async function fence(context: StepContext): Promise<void> {
  const { inventory } = context.parts;
  await putFences(context);
  const { cold } = context.input as Partial<WakeInput>;
  if (cold !== true) return;
  const { vmName } = await hostingAt(context);
  context.assertHeld();
  await inventory.forgetSaved(vmName);
}

/** Neither an agent nor an answer is a must: users change their VMs. */
async function settle(context: StepContext): Promise<void> {
  const { ip, status, vmName } = await hostingAt(context);
  if (status !== 'sleeping' && status !== 'running') return;
  if ((await context.parts.inventory.domainState(vmName)) === null) return;
  // one that was off boots
  const timeoutMs = status === 'running' ? context.parts.config.BOOT_TIMEOUT_SECONDS * 1000 : answerMs;
  await allOf([setClock(context), waitForAnswer(context, ip, timeoutMs)]);
  await context.write((tx) => clearTrouble(tx, context.stackId));
}

const answerMs = 10_000;

async function waitForAnswer(
  { parts, signal, report }: StepContext,
  ip: string,
  timeoutMs: number,
): Promise<void> {
  const { clock, guest } = parts;
  const silent = new EngineError('guest_unreachable', 'it does not answer by SSH');
  const answers = async (): Promise<true | null> => (await guest.answers(ip)) || null;
  try {
    const waiting = { clock, signal, timeoutMs, pollMs: 100, onTimeout: () => silent };
    await waitUntil(answers, waiting);
  } catch (thrown) {
    if (thrown !== silent) throw thrown;
    report('the virtual machine is running but does not answer by SSH');
  }
}

/** One that is being removed meanwhile need not sleep first. */
async function closeAgain(context: StepContext): Promise<void> {
  const { status } = await hostingAt(context);
  if (status === 'running' || status === 'sleeping') await leadToDoors(context);
}
