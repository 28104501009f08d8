/** Brings a VM that sleeps back to where it was, and leads its page and its SSH port to it again. */
import { allOf } from '../each-of';
import { EngineError, toEngineError } from '../errors';
import { fenceOf } from '../isolation/fence';
import { noMemory } from '../libvirt/domain-power';
import type { OperationDefinition, StepContext } from './operation';
import { hostingAt, leadToDoors, leadToVm, save, start, whileAsleep } from './sleep-steps';
import { waitUntil } from './wait-until';

export const wakeHosting: OperationDefinition = {
  kind: 'wake-hosting',
  lane: 'quick',
  onFailure: 'unwind',
  steps: [
    { name: 'room', run: whileAsleep(room) },
    { name: 'fence', run: whileAsleep(fence) },
    { name: 'start', run: asleep(start), undo: whileAsleep(save) },
    { name: 'settle', run: whileAsleep(settle) },
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

/** One that is gone is told of, unlike in an undo. */
function asleep(act: (context: StepContext) => Promise<void>) {
  return async (context: StepContext): Promise<void> => {
    if ((await hostingAt(context)).status === 'sleeping') await act(context);
  };
}

/** QEMU begins to read a memory that has no room, and is killed over it, or another VM is. */
async function room(context: StepContext): Promise<void> {
  const { inventory } = context.parts;
  const { memoryMiB, vmName } = await hostingAt(context);
  if ((await inventory.domainState(vmName)) === 'running') return;
  const free = await inventory.freeMemoryMiB();
  if (free < memoryMiB) throw noMemory(new Error(`${free} MiB are free, ${vmName} needs ${memoryMiB}`));
}

/** libvirt puts the VM's filter before it goes on; that filter and the host's rules are there is seen to here. */
async function fence(context: StepContext): Promise<void> {
  const { config, inventory, isolation } = context.parts;
  await isolation.put(fenceOf(config));
  const { cold } = context.input as Partial<WakeInput>;
  if (cold !== true) return;
  const { vmName } = await hostingAt(context);
  context.assertHeld();
  await inventory.forgetSaved(vmName);
}

/** It has stood still, and so has its clock. Neither an agent nor an answer is a must: users change their VMs. */
async function settle(context: StepContext): Promise<void> {
  const { ip, vmName } = await hostingAt(context);
  await allOf([setClock(context, vmName), waitForAnswer(context, ip)]);
}

async function setClock({ parts, signal }: StepContext, vmName: string): Promise<void> {
  const { agent, clock, log } = parts;
  try {
    await agent.setTime(vmName, clock.now(), signal);
  } catch (thrown) {
    signal.throwIfAborted();
    if (toEngineError(thrown).code !== 'guest_unreachable') throw thrown;
    log.info({ err: thrown, vmName }, 'clock of a woken VM could not be set');
  }
}

const answerMs = 10_000;

async function waitForAnswer({ parts, signal, report }: StepContext, ip: string): Promise<void> {
  const { clock, guest } = parts;
  const silent = new EngineError('guest_unreachable', 'it does not answer by SSH');
  const answers = async (): Promise<true | null> => (await guest.answers(ip)) || null;
  try {
    const waiting = { clock, signal, timeoutMs: answerMs, pollMs: 100, onTimeout: () => silent };
    await waitUntil(answers, waiting);
  } catch (thrown) {
    if (thrown !== silent) throw thrown;
    report('the virtual machine runs, and does not answer by SSH');
  }
}

/** One that is being removed meanwhile need not sleep first. */
async function closeAgain(context: StepContext): Promise<void> {
  const { status } = await hostingAt(context);
  if (status === 'running' || status === 'sleeping') await leadToDoors(context);
}
