/** Terraform's runs that the operations of the fake engine have made. */
import { randomUUID } from 'node:crypto';
import type { ChangeAction, Operation, ResourceChange, RunDetail } from '../../../engine';
import type { People } from './people';

export interface RunRecords {
  /** @param changes  an action on everything that a hosting has, or what is planned */
  add(
    operation: Operation,
    kind: RunDetail['kind'],
    changes: 'create' | 'delete' | readonly ResourceChange[],
  ): void;
  /** The newest first. */
  all(): readonly RunDetail[];
}

export function runRecords(people: People): RunRecords {
  const runs: RunDetail[] = [];
  return {
    add: (operation, kind, changes) => {
      const now = new Date();
      const planned = typeof changes === 'string' ? wholeHosting(changes) : changes;
      const plan = { resource_changes: planned.map(({ address }) => ({ address })) };
      const isPlan = kind === 'plan';
      runs.unshift({
        ...{ id: randomUUID(), stackId: operation.hostingId ?? operation.id },
        ...{ operationId: operation.id, kind },
        ...{ host: 'fake', tools: { terraform: 'Terraform 0.0.0-fake', libvirt: '0.0.0+fake' } },
        requestedBy: people.withId(operation.userId ?? 0)?.user.username ?? null,
        ...{ startedAt: now, finishedAt: now, exitCode: 0, phases: [{ phase: kind, startMs: 0, ms: 1 }] },
        ...{ changes: isPlan ? planned : [], log: `${kind} of a fake\n` },
        ...{ planText: isPlan ? textOf(planned) : null, plan: isPlan ? plan : null },
      });
    },
    all: () => runs,
  };
}

function wholeHosting(action: ChangeAction): ResourceChange[] {
  return ['libvirt_volume.root', 'libvirt_cloudinit_disk.cidata', 'libvirt_domain.vm'].flatMap((address) =>
    changesIn(`${address}: ${action}`),
  );
}

/** @param difference  e.g. `libvirt_domain.vm: update (running)`; others are of no plan */
export function changesIn(difference: string): ResourceChange[] {
  const words = /^((\w+)\.\w+): (create|update|replace|delete)(?: \((.+)\))?$/.exec(difference);
  if (words === null) return [];
  const [, address = '', type = '', action, changed] = words;
  const attributes = (changed?.split(', ') ?? []).map((name) => ({
    ...{ name, before: 'as it is', after: 'as it should be', unknown: false, forcesReplace: false },
  }));
  return [{ address, type, action: action as ChangeAction, attributes }];
}

function textOf(changes: readonly ResourceChange[]): string {
  return changes.length === 0
    ? 'No changes. Your infrastructure matches the configuration.'
    : changes.map(({ address, action }) => `${action} ${address}`).join('\n');
}
