/** Mends what a node lacks and VMs that stand still. Nothing of it stops a VM or touches a disk. */
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../base/errors';
import { type EngineParts, expectSuccess, finishOperation, type Parts } from '../durable';
import { fenceOf } from '../machine/isolation/fence';
import { parseCidr, poolAddresses } from '../base/addresses';
import { nodeNames } from '../machine/host/node-names';
import { acceptLook } from '../plans';
import { getHosting } from '../store/hostings';
import { nextUnfinished } from '../store/operations';
import type { Finding, Fix } from './findings';
import { leastPoolBytes } from './ground';

export type Mend = (engine: EngineParts, finding: Finding, handover: AbortSignal) => Promise<void>;

/** One that lacks room to write again is paused again at once. */
const settleMs = 500;

export const groundFixes = {
  'start-network': async ({ parts }) => {
    const { config, nodeCare, isolation } = parts;
    await nodeCare.startNetwork(config.NETWORK_NAME);
    // its bridge is a new one: it looks for loops, which shuts a port for seconds, and no VM is plugged into it yet
    await isolation.put(fenceOf(config));
    await plugAll(parts);
  },
  'start-pool': ({ parts }) => parts.nodeCare.startPool(parts.config.POOL_NAME),
  'start-dhcp': async ({ parts }) => {
    const cidr = parseCidr(parts.config.NETWORK_CIDR);
    const [reservation] = cidr === null ? [] : poolAddresses(cidr);
    if (reservation !== undefined) await parts.nodeCare.startDhcp(parts.config.NETWORK_NAME, reservation);
  },
  'start-log-daemon': ({ parts }) => parts.nodeCare.startLogDaemon(),
  'restart-libvirt': ({ parts }) => parts.nodeCare.restartLibvirt(),
  'open-kvm': ({ parts }) => parts.nodeCare.openKvm(),
  plug: ({ parts }) => plugAll(parts),
  resume: async ({ parts }, { subject }, handover) => {
    const { inventory } = parts;
    await requireRoom(parts);
    await inventory.start(subject, handover);
    await delay(settleMs, undefined, { signal: handover });
    if ((await inventory.domainState(subject)) === 'paused') throw noRoom();
  },
  continue: ({ parts }, { subject }) => parts.nodeCare.continueVm(subject),
  define: ({ parts }, { subject }) => parts.nodeCare.defineAgain(subject),
  'look-again': async (engine, { stackId }, handover) => {
    if (stackId === null) return;
    const { parts } = engine;
    const { id } = await parts.database.transaction(
      async (tx) => (await nextUnfinished(tx, stackId)) ?? (await acceptLook(parts, tx, stackId)),
    );
    expectSuccess(await finishOperation(engine, id, stackId, handover));
  },
} satisfies Partial<Record<Exclude<Fix, null>, Mend>>;

async function plugAll({
  config,
  database,
  inventory,
  nodeCare,
}: Pick<Parts, 'config' | 'database' | 'inventory' | 'nodeCare'>): Promise<void> {
  const { taps } = await nodeCare.look(nodeNames(config));
  const { domains } = await inventory.survey(config.POOL_NAME);
  for (const { hostingId } of domains) {
    if (hostingId === null) continue;
    const { mac } = await getHosting(database.direct, hostingId);
    const tap = taps?.find((each) => each.mac === mac);
    if (tap !== undefined && (tap.bridge !== config.NETWORK_BRIDGE || !tap.isolated))
      await nodeCare.plug(tap.name, config.NETWORK_BRIDGE);
  }
}

async function requireRoom({ config, nodeCare }: Pick<Parts, 'config' | 'nodeCare'>): Promise<void> {
  const { poolFreeBytes } = await nodeCare.look(nodeNames(config));
  if (poolFreeBytes !== null && poolFreeBytes < leastPoolBytes) throw noRoom();
}

function noRoom(): EngineError {
  return new EngineError(
    'disk_full',
    'There is no space left for the disks of VMs (POOL_DIR); free some and run webhoster doctor --fix again',
  );
}
