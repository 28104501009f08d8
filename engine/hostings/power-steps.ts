/**
 * What a VM's way to sleep and its way back are made of; each is the undo of the other's. What leads visitors does not
 * do anything to a hosting that somebody removes meanwhile.
 */
import { floorBytes } from '../model/capacity';
import { EngineError, toEngineError } from '../base/errors';
import { fenceOf } from '../machine/isolation/fence';
import { noMemory, noRoomToSave } from '../machine/libvirt/domain-power';
import { getHosting, type HostingRow, markAsleep, markAwake } from '../store/hostings';
import type { StepWith } from '../stack';

export function hostingAt({ database, stackId }: StepWith<'database'>): Promise<HostingRow> {
  return getHosting(database.direct, stackId);
}

/** From here on Nginx leads to the doors, and who comes meanwhile has it woken as soon as it sleeps. */
export async function leadToDoors({
  routePublisher,
  stackId,
  write,
}: StepWith<'routePublisher'>): Promise<void> {
  const asleep = await write((tx) => markAsleep(tx, stackId));
  if (!asleep) throw new EngineError('cancelled', 'The hosting is being removed');
  await routePublisher.publish();
}

export async function leadToVm({
  routePublisher,
  stackId,
  write,
}: StepWith<'routePublisher'>): Promise<void> {
  await write((tx) => markAwake(tx, stackId));
  await routePublisher.publish();
}

/** Where libvirt saves VMs; no setting leads elsewhere. */
const savedVmsDir = '/var/lib/libvirt/qemu/save';

/** What a VM has in its memory is its user's to say, and the machine's own files lie beside it. */
export async function roomToSave(context: StepWith<'config' | 'database' | 'nodeCare'>): Promise<void> {
  const { memoryMiB } = await hostingAt(context);
  const room = await context.nodeCare.poolRoom(savedVmsDir);
  if (room === null || room.freeBytes >= memoryMiB * 1024 ** 2 + floorBytes(context.config)) return;
  throw noRoomToSave(new Error(`${room.freeBytes} bytes are free, its memory has ${memoryMiB} MiB`));
}

type Switching = StepWith<'database' | 'inventory'>;

export async function save(context: Switching): Promise<void> {
  const { vmName } = await hostingAt(context);
  await context.inventory.save(vmName, context.signal);
}

/** QEMU begins to read a memory that has no room, and is killed over it, or another VM is. */
export async function room(context: Switching): Promise<void> {
  const { inventory } = context;
  const { memoryMiB, vmName } = await hostingAt(context);
  if ((await inventory.domainState(vmName)) === 'running') return;
  const { freeMiB: free } = await inventory.memory();
  if (free < memoryMiB) throw noMemory(new Error(`${free} MiB are free, ${vmName} needs ${memoryMiB}`));
}

/** libvirt puts the VM's filter before it goes on; that filter and the host's rules are there is seen to here. */
export async function putFences({ config, isolation }: StepWith<'config' | 'isolation'>): Promise<void> {
  await isolation.put(fenceOf(config));
}

/** @throws {EngineError} with what to do when its memory cannot be read again */
export async function start(context: Switching): Promise<void> {
  const { inventory, signal } = context;
  const { vmName } = await hostingAt(context);
  try {
    await inventory.start(vmName, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, cause, retryable } = toEngineError(thrown);
    if (code !== 'libvirt_unavailable' || (await inventory.domainState(vmName)) !== 'saved') throw thrown;
    throw new EngineError(
      code,
      `${vmName} could not be woken. If this persists, webhoster wake ${vmName} --cold boots it from its disk; anything that was only in memory is lost`,
      { retryable, cause },
    );
  }
}

/** A VM that was saved has stood still, and so has its clock. One without a guest agent is left as it is. */
export async function setClock(context: StepWith<'agent' | 'clock' | 'database'>): Promise<void> {
  const { agent, clock, log, signal } = context;
  const { vmName } = await hostingAt(context);
  try {
    await agent.setTime(vmName, clock.now(), signal);
  } catch (thrown) {
    signal.throwIfAborted();
    if (toEngineError(thrown).code !== 'guest_unreachable') throw thrown;
    log.info({ err: thrown, vmName }, 'clock of a woken VM could not be set');
  }
}

/** What a VM needs before it starts, whether it sleeps or is off though it should run. */
export function whileDown<Context extends Switching>(act: (context: Context) => Promise<void>) {
  return async (context: Context): Promise<void> => {
    const { status, vmName } = await hostingAt(context);
    if (status !== 'sleeping' && status !== 'running') return;
    const state = await context.inventory.domainState(vmName);
    if (state === null || (status === 'running' && state === 'running')) return;
    await act(context);
  };
}

/** The undo of a step that saves or starts: a VM that is gone, or whose hosting does not sleep, needs none. */
export function whileAsleep<Context extends Switching>(act: (context: Context) => Promise<void>) {
  return async (context: Context): Promise<void> => {
    const { status, vmName } = await hostingAt(context);
    if (status !== 'sleeping') return;
    if ((await context.inventory.domainState(vmName)) === null) return;
    await act(context);
  };
}
