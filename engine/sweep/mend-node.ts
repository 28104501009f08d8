/** What a node needs before VMs can run on it, seen to beyond what Terraform sees: an inactive network is there to it. */
import { floorBytes } from '../model/capacity';
import type { EngineParts } from '../durable';
import { EngineError } from '../base/errors';
import { type Finding, findingKinds } from './findings';
import { nodeFindings } from './ground';
import { groundFixes } from './ground-fixes';
import { nodeNames } from '../machine/host/node-names';

/**
 * Brings back what is missing, VMs stay as they are.
 *
 * @param tell  told each thing that was mended
 * @returns what nothing mends by itself
 * @throws {EngineError} why something could not be brought back
 */
export async function mendNode(
  engine: EngineParts,
  handover: AbortSignal,
  tell: (message: string) => void,
): Promise<Finding[]> {
  const { config, nodeCare } = engine.parts;
  const names = nodeNames(config);
  const look = async (): Promise<Finding[]> =>
    nodeFindings(await nodeCare.look(names), names, floorBytes(config));
  for (const finding of await look()) {
    const { fix, title } = findingKinds[finding.kind];
    if (fix === null || !(fix in groundFixes)) continue;
    await groundFixes[fix as keyof typeof groundFixes](engine, finding, handover);
    tell(`fixed: ${title}`);
  }
  return look();
}

/** Refused before anything is made: VMs of such a network, or what else has its addresses, could not be reached. */
export async function assertNoOverlap({ parts }: Pick<EngineParts, 'parts'>): Promise<void> {
  const names = nodeNames(parts.config);
  const { overlaps } = await parts.nodeCare.look(names);
  if (overlaps.length === 0) return;
  throw new EngineError(
    'config_invalid',
    `NETWORK_CIDR: ${names.cidr} overlaps another route of this host (${overlaps.join(', ')}); choose a network that is not in use`,
  );
}
