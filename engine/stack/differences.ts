/** How what there is differs from what it was made from, one line a resource; the same lines for the same plan. */
import { plannedChanges } from '../machine/terraform/plan-view';
import { readPlan, stackWorkspace } from '../machine/terraform/workspace';
import type { StackStep } from './step';
import { domainAddress, rootVolumeAddress, type UnseenDrift } from './unseen';

/**
 * Every difference, as people see it and agree to it: what no plan can tell first, then the plan in the workspace.
 *
 * @param unseen  what the look before the plan found
 */
export async function differences(context: StackStep, unseen: UnseenDrift): Promise<string[]> {
  if (unseen.diskLost) return [`${rootVolumeAddress}: lost, and the user's data with it`];
  const unseenToo = unseen.isUndefined ? [`${domainAddress}: runs without a definition`] : [];
  const planned = [...unseenToo, ...(await plannedDifferences(context))];
  if (unseen.domain === null) return planned;
  // it is made anew anyway
  const others = planned.filter((line) => !line.startsWith(`${domainAddress}:`));
  return [`${domainAddress}: ${unseen.domain}`, ...others];
}

/** e.g. `libvirt_domain.vm: update (running)` */
async function plannedDifferences({ parts, stackId }: StackStep): Promise<string[]> {
  const planned = plannedChanges(await readPlan(stackWorkspace(parts.config, stackId)));
  return planned.map(({ address, action, attributes }) => {
    const changed = attributes.filter(({ unknown }) => !unknown).map(({ name }) => name);
    return `${address}: ${action}${changed.length > 0 ? ` (${changed.join(', ')})` : ''}`;
  });
}
