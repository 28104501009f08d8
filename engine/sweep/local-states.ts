/** What a sweep tells of the state files of workspaces. */
import type { LocalState } from '../machine/terraform/judge-state';
import type { Finding, FindingKind } from './findings';

export function stateFindings(
  { id, vmName }: { readonly id: string; readonly vmName: string },
  state: LocalState | undefined,
): Finding[] {
  const kinds: Record<LocalState, FindingKind | null> = {
    good: null,
    unreadable: 'damaged-state',
    edited: 'edited-state',
  };
  const kind = state === undefined ? null : kinds[state];
  return kind === null ? [] : [{ kind, stackId: id, subject: vmName, known: true }];
}
