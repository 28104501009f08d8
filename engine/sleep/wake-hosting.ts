/** Brings a VM that sleeps back to where it was, and leads its page and its SSH port to it again. */
import { z } from 'zod';
import { allOf } from '../base/each-of';
import { EngineError } from '../base/errors';
import { waitUntil } from '../base/wait-until';
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
import { operation, steps, type StepWith } from '../stack';
import { clearTrouble } from '../store/troubles';

const input = z.object({
  /** Starts from the disk: what was only in its memory is lost. */
  cold: z.boolean().default(false),
});
export type WakeInput = z.output<typeof input>;

const needs = [
  'agent',
  'clock',
  'config',
  'database',
  'guest',
  'inventory',
  'isolation',
  'routePublisher',
] as const;
type Context = StepWith<(typeof needs)[number], WakeInput>;

/** For operations that need the VM; one that is awake stays as it is. */
export const wakeSteps = steps({ input, needs })
  .step('room', { do: whileDown(room) })
  .step('fence', { do: whileDown(fence) })
  .step('start', { do: startUnlessUp, undo: whileAsleep(save) })
  .step('settle', { do: settle })
  .step('open', { do: openIfAsleep, undo: closeAgain });

export const wakeHosting = operation({
  kind: 'wake-hosting',
  input,
  needs,
  onFailure: 'unwind',
  onRemoval: 'resume',
  lane: 'quick',
}).include(wakeSteps);

/** One that should run and does not is off, or paused: it is started where it is. */
async function startUnlessUp(context: Context): Promise<void> {
  const { status, vmName } = await hostingAt(context);
  if (status === 'sleeping') return start(context);
  if (status === 'running' && (await context.inventory.domainState(vmName)) !== 'running')
    await start(context);
}

/** One that is gone is told of, unlike in an undo. */
async function openIfAsleep(context: Context): Promise<void> {
  if ((await hostingAt(context)).status === 'sleeping') await leadToVm(context);
}

async function fence(context: Context): Promise<void> {
  await putFences(context);
  if (!context.input.cold) return;
  const { vmName } = await hostingAt(context);
  await context.inventory.forgetSaved(vmName);
}

/** Neither an agent nor an answer is a must: users change their VMs. */
async function settle(context: Context): Promise<void> {
  const { config, inventory, stackId, write } = context;
  const { ip, status, vmName } = await hostingAt(context);
  if (status !== 'sleeping' && status !== 'running') return;
  if ((await inventory.domainState(vmName)) === null) return;
  // one that was off boots
  const timeoutMs = status === 'running' ? config.BOOT_TIMEOUT_SECONDS * 1000 : answerMs;
  await allOf([setClock(context), waitForAnswer(context, ip, timeoutMs)]);
  await write((tx) => clearTrouble(tx, stackId));
}

const answerMs = 10_000;

async function waitForAnswer(
  { clock, guest, signal, report }: Context,
  ip: string,
  timeoutMs: number,
): Promise<void> {
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
async function closeAgain(context: Context): Promise<void> {
  const { status } = await hostingAt(context);
  if (status === 'running' || status === 'sleeping') await leadToDoors(context);
}
