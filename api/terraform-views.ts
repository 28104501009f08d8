/** Plans, runs and drift in the API's form. */
import type { z } from 'zod';
import type { HostingDrift, PlanReport, ResourceChange, Run, RunDetail } from '../engine';
import type { Language } from './language';
import type { driftList, planAnswer, runDetail, runList } from './schemas/terraform';
import { showFailure } from './views';

type ShownRun = z.output<typeof runList>['runs'][number];
type ShownChange = ShownRun['changes'][number];

export function showPlan(report: PlanReport): z.output<typeof planAnswer>['plan'] {
  const { runId, at, differences, changes, text, json } = report;
  return {
    run_id: runId,
    at: at.toISOString(),
    changed: differences.length > 0,
    differences: [...differences],
    changes: changes.map(showChange),
    text,
    json: { ...json },
  };
}

export function showRun(run: Run): ShownRun {
  return {
    id: run.id,
    stack_id: run.stackId,
    operation_id: run.operationId,
    kind: run.kind,
    host: run.host,
    tools: { ...run.tools },
    requested_by: run.requestedBy,
    started_at: run.startedAt.toISOString(),
    finished_at: run.finishedAt?.toISOString() ?? null,
    exit_code: run.exitCode,
    phases: run.phases.map(({ phase, startMs, ms }) => ({ phase, start_ms: startMs, ms })),
    changes: run.changes.map(showChange),
  };
}

export function showRunDetail(run: RunDetail): z.output<typeof runDetail>['run'] {
  return { ...showRun(run), log: run.log, plan_text: run.planText, plan: run.plan && { ...run.plan } };
}

export function showDrift(
  drift: HostingDrift,
  language: Language,
): z.output<typeof driftList>['hostings'][number] {
  return {
    hosting_id: drift.hostingId,
    vm_name: drift.vmName,
    vm_id: drift.vmName,
    username: drift.username,
    checked_at: drift.checkedAt?.toISOString() ?? null,
    differences: [...drift.differences],
    look_failed: drift.lookFailed,
    look_failure: showFailure(drift.lookFailure, language),
    asleep: drift.isAsleep,
  };
}

export function showChange({ address, type, action, attributes }: ResourceChange): ShownChange {
  return {
    address,
    type,
    action,
    attributes: attributes.map(({ forcesReplace, ...attribute }) => ({
      ...attribute,
      forces_replace: forcesReplace,
    })),
  };
}
