/**
 * Looks whether hostings that should run do: at the node, at what libvirt says of each VM, and whether anything answers at
 * the addresses of a few of them in turn. What is found is what their owners are told.
 */
import { floorBytes } from '../model/capacity';
import type { Survey } from '../machine/libvirt/inventory';
import { nodeNames } from '../machine/host/node-names';
import type { NodeState } from '../machine/host/node-care';
import type { Parts } from '../durable';
import { noteTroubles, type RunningVm, runningVms } from '../store/troubles';
import {
  type Finding,
  leastPoolBytes,
  nodeFindings,
  silentHostings,
  troublesFrom,
  vmFindings,
} from '../sweep';

/** Each look asks that many, so that a thousand are asked within half an hour and none of them notices. */
const askedAtOnce = 5;

/** @param after  the id that the look before ended with */
export async function lookForTroubles(
  parts: Pick<Parts, 'config' | 'database' | 'guest' | 'inventory' | 'log' | 'nodeCare'>,
  after = '',
): Promise<{ readonly findings: readonly Finding[]; readonly last: string }> {
  const { config, database, inventory, nodeCare } = parts;
  const names = nodeNames(config);
  // in this order: what is made after the hostings were read is not missed
  const vms = await runningVms(database.direct, config.NODE_NAME);
  const [state, survey] = await Promise.all([nodeCare.look(names), inventory.survey(config.POOL_NAME)]);
  const asked = inTurn(vms, after);
  const silent = await silentHostings(parts, state.network === 'active' ? asked.vms : []);
  const ofVms = (vm: RunningVm): Finding[] => vmFindings(vm, domainOf(survey, vm), state, names, silent);
  const findings = [...nodeFindings(state, names, floorBytes(config)), ...vms.flatMap(ofVms)];
  await noteTroubles(
    database.direct,
    vms.map(({ id }) => id),
    troublesFrom(findings, vms),
  );
  await resumePaused(parts, findings, state);
  return { findings, last: asked.last };
}

/** Those that did not answer are asked every time, until they do. */
function inTurn(vms: readonly RunningVm[], after: string): { vms: RunningVm[]; last: string } {
  const rest = vms.filter(({ id }) => id > after);
  const next = (rest.length > 0 ? rest : vms).slice(0, askedAtOnce);
  const silent = vms.filter((vm) => vm.trouble === 'unreachable' && !next.includes(vm));
  return { vms: [...next, ...silent], last: next.at(-1)?.id ?? '' };
}

function domainOf({ domains }: Survey, { id, vmName }: RunningVm): Survey['domains'][number] | undefined {
  return domains.find((domain) => domain.name === vmName && domain.hostingId === id);
}

/** A VM that found no room to write stands still until there is some: nobody meant it to. */
async function resumePaused(
  { inventory, log }: Pick<Parts, 'inventory' | 'log'>,
  findings: readonly Finding[],
  { poolFreeBytes }: NodeState,
): Promise<void> {
  if (poolFreeBytes === null || poolFreeBytes < leastPoolBytes) return;
  for (const { kind, detail, subject } of findings) {
    if (kind !== 'paused-vm' || detail !== 'I/O error') continue;
    await inventory.start(subject, AbortSignal.timeout(30_000));
    log.info({ vmName: subject }, 'a VM that had no room to write goes on');
  }
}
