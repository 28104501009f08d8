/** How what VMs stand on is, for the service's health: the parts named, without a path, and with what to do. */
import { floorBytes } from '../model/capacity';
import type { ComponentHealth } from '../model/metrics';
import { nodeNames } from '../machine/host/node-names';
import type { Parts } from '../durable';
import { troubleCounts } from '../store/troubles';
import { type Finding, type FindingKind, findingKinds, nodeFindings } from '../sweep';

type Part = 'libvirt' | 'network' | 'disk' | 'vms';
type Judged = Pick<ComponentHealth, 'status' | 'detail'>;

/** With one of these nobody is served; with any other somebody is. */
const fatal: readonly FindingKind[] = ['network-down', 'network-gone'];

/** @throws {EngineError} libvirt_unavailable */
export async function lookAtGround({
  config,
  nodeCare,
}: Pick<Parts, 'config' | 'nodeCare'>): Promise<readonly Finding[]> {
  const names = nodeNames(config);
  return nodeFindings(await nodeCare.look(names), names, floorBytes(config));
}

/** @returns null when nothing is wrong there */
export function judge(part: Part, findings: readonly Finding[]): Judged | null {
  const ofPart = findings.filter(
    ({ kind }) => 'part' in findingKinds[kind] && findingKinds[kind].part === part,
  );
  if (ofPart.length === 0) return null;
  const titles = [...new Set(ofPart.map(({ kind }) => findingKinds[kind].title))];
  return {
    status: ofPart.some(({ kind }) => fatal.includes(kind)) ? 'down' : 'degraded',
    detail: `${titles.join('; ')}: webhoster doctor says what to do`,
  };
}

/** Of hostings that should run, as the last look found them. */
export async function judgeVms({ database }: Pick<Parts, 'database'>): Promise<Judged> {
  const counts = await troubleCounts(database.direct);
  if (counts.length === 0) return { status: 'ok', detail: 'all VMs that should be running are' };
  const told = counts.map(({ trouble, count }) => `${count} ${trouble}`).join(', ');
  // its user may have switched one off
  const isOnlyOff = counts.every(({ trouble }) => trouble === 'off');
  return { status: isOnlyOff ? 'ok' : 'degraded', detail: `VMs that should be running: ${told}` };
}
