/** The API's answers as the engine's own data, so that what is printed does not depend on the way it came. */
import type { z } from 'zod';
import type {
  DriftFound,
  ErrorCode,
  Failure,
  HostingDrift,
  ListedOperation,
  NamedHosting,
  PlanReport,
  ResourceChange,
  Run,
  RunDetail,
  UserLabels,
} from '../../engine';
import type { hostingView, listedHostingView } from '../../api/schemas/hosting';
import type { userLabels } from '../../api/schemas/label';
import type { failureView, listedOperationView } from '../../api/schemas/operation';
import type { driftList, planAnswer, runDetail, runList } from '../../api/schemas/terraform';

type Sent<S extends z.ZodType> = z.output<S>;
type SentRun = Sent<typeof runList>['runs'][number];

const moment = (text: string | null): Date | null => (text === null ? null : new Date(text));

function failure(sent: Sent<typeof failureView> | null): Failure | null {
  return sent === null ? null : { code: sent.code as ErrorCode, message: sent.message };
}

function driftFound(drift: Sent<typeof hostingView>['drift']): DriftFound {
  const { differences, checked_at: checkedAt, look_failed: lookFailed } = drift;
  return { differences, checkedAt: moment(checkedAt), lookFailed, lookFailure: failure(drift.look_failure) };
}

/** @param username  of its owner */
export function toNamedHosting(
  sent: Omit<Sent<typeof listedHostingView>, 'username'>,
  username: string,
): NamedHosting {
  return {
    id: sent.id,
    vmName: sent.vm_id,
    username,
    status: sent.status,
    createdAt: new Date(sent.created_at),
    labels: sent.labels,
    drift: driftFound(sent.drift),
  };
}

export function toHostingDrift(sent: Sent<typeof driftList>['hostings'][number]): HostingDrift {
  return {
    hostingId: sent.hosting_id,
    vmName: sent.vm_id,
    username: sent.username,
    checkedAt: moment(sent.checked_at),
    differences: sent.differences,
    lookFailed: sent.look_failed,
    lookFailure: failure(sent.look_failure),
    isAsleep: sent.asleep,
  };
}

export function toPlanReport({ plan, operation }: Sent<typeof planAnswer>): PlanReport {
  return {
    operationId: operation.id,
    runId: plan.run_id,
    at: new Date(plan.at),
    differences: plan.differences,
    changes: plan.changes.map(toChange),
    text: plan.text,
    json: plan.json,
  };
}

export function toRun(sent: SentRun): Run {
  return {
    id: sent.id,
    stackId: sent.stack_id,
    operationId: sent.operation_id,
    kind: sent.kind,
    host: sent.host,
    tools: sent.tools,
    requestedBy: sent.requested_by,
    startedAt: new Date(sent.started_at),
    finishedAt: moment(sent.finished_at),
    exitCode: sent.exit_code,
    phases: sent.phases.map(({ phase, start_ms: startMs, ms }) => ({ phase, startMs, ms })),
    changes: sent.changes.map(toChange),
  };
}

export function toRunDetail(sent: Sent<typeof runDetail>['run']): RunDetail {
  return { ...toRun(sent), log: sent.log, planText: sent.plan_text, plan: sent.plan };
}

export function toListedOperation(sent: Sent<typeof listedOperationView>): ListedOperation {
  return {
    id: sent.id,
    kind: sent.kind,
    status: sent.status,
    hostingId: sent.hosting_id,
    userId: sent.user_id,
    steps: sent.steps.map(({ name, status, tries, started_at: startedAt, finished_at: finishedAt }) => ({
      name,
      status,
      tries,
      startedAt: moment(startedAt),
      finishedAt: moment(finishedAt),
    })),
    failure: failure(sent.failure),
    cancelRequested: sent.cancel_requested,
    owns: sent.owns,
    queuePosition: sent.queue_position,
    estimatedSeconds: sent.estimated_seconds,
    createdAt: new Date(sent.created_at),
    startedAt: moment(sent.started_at),
    finishedAt: moment(sent.finished_at),
    vmName: sent.vm_id,
  };
}

function toChange({ attributes, ...change }: SentRun['changes'][number]): ResourceChange {
  return {
    ...change,
    attributes: attributes.map(({ forces_replace: forcesReplace, ...attribute }) => ({
      ...attribute,
      forcesReplace,
    })),
  };
}

export function toUserLabels(sent: Sent<typeof userLabels>): UserLabels {
  const { username, labels, vm_id: vmName, hosting_labels: hostingLabels } = sent;
  return { username, labels, vmName, hostingLabels };
}
