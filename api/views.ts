/** Engine data as the API shows it: snake_case, ISO 8601, and only what is named here. */
import type { z } from 'zod';
import type {
  ComponentHealth,
  DriftFound,
  Failure,
  Hosting,
  HostingTrouble,
  ListedOperation,
  NamedHosting,
  Operation,
  OperationEvent,
  User,
} from '../engine';
import type { ServerSentEvent } from './event-stream';
import type { Language } from './language';
import { failureMessage, troubleMessages } from './messages';
import type { userView } from './schemas/account';
import type { componentHealthView } from './schemas/health';
import type { hostingAccess, hostingView, listedHostingView } from './schemas/hosting';
import type {
  failureView,
  listedOperationView,
  operationEventView,
  operationView,
} from './schemas/operation';
import { snakeCased } from './snake-case';

const iso = (moment: Date | null): string | null => moment?.toISOString() ?? null;

export function showUser(user: User): z.output<typeof userView> {
  const { id, email, username, role, createdAt } = user;
  return { id, email, username, role, created_at: createdAt.toISOString() };
}

export function showFailure(
  failure: Failure | null,
  language: Language,
  operation?: Operation,
): z.output<typeof failureView> | null {
  if (failure === null) return null;
  return { code: failure.code, message: failureMessage(failure, language, operation) };
}

export function showHosting(hosting: Hosting, language: Language): z.output<typeof hostingView> {
  return {
    id: hosting.id,
    vm_name: hosting.vmName,
    vm_id: hosting.vmName,
    vm_ip: hosting.ip,
    ssh_port: hosting.sshPort,
    status: hosting.status,
    image: hosting.image,
    memory_mib: hosting.memoryMiB,
    vcpus: hosting.vcpus,
    disk_gib: hosting.diskGiB,
    labels: { ...hosting.labels },
    failure: showFailure(hosting.failure, language),
    problem: problemOf(hosting.status, language),
    drift: showDriftFound(hosting.drift, language),
    created_at: hosting.createdAt.toISOString(),
    ready_at: iso(hosting.readyAt),
  };
}

function problemOf(status: Hosting['status'], language: Language): string | null {
  return status in troubleMessages ? troubleMessages[status as HostingTrouble][language] : null;
}

function showDriftFound(drift: DriftFound, language: Language): z.output<typeof hostingView>['drift'] {
  return {
    found: drift.differences.length > 0,
    differences: [...drift.differences],
    checked_at: iso(drift.checkedAt),
    look_failed: drift.lookFailed,
    look_failure: showFailure(drift.lookFailure, language),
  };
}

export function showListedHosting(
  hosting: NamedHosting,
  language: Language,
): z.output<typeof listedHostingView> {
  return {
    id: hosting.id,
    vm_name: hosting.vmName,
    vm_id: hosting.vmName,
    username: hosting.username,
    status: hosting.status,
    labels: { ...hosting.labels },
    drift: showDriftFound(hosting.drift, language),
    created_at: hosting.createdAt.toISOString(),
  };
}

export function showAccess(hosting: Hosting, language: Language): z.output<typeof hostingAccess> {
  return {
    hosting: showHosting(hosting, language),
    web_url: hosting.webUrl,
    subdomain_url: hosting.subdomainUrl,
    ssh_command: hosting.sshCommand,
    sftp_command: hosting.sftpCommand,
    known_hosts: [...hosting.knownHosts],
  };
}

export function showOperation(operation: Operation, language: Language): z.output<typeof operationView> {
  return {
    id: operation.id,
    kind: operation.kind,
    status: operation.status,
    hosting_id: operation.hostingId,
    steps: operation.steps.map((step) => ({
      name: step.name,
      status: step.status,
      tries: step.tries,
      started_at: iso(step.startedAt),
      finished_at: iso(step.finishedAt),
    })),
    failure: showFailure(operation.failure, language, operation),
    cancel_requested: operation.cancelRequested,
    owns: [...operation.owns],
    queue_position: operation.queuePosition,
    estimated_seconds: operation.estimatedSeconds,
    created_at: operation.createdAt.toISOString(),
    started_at: iso(operation.startedAt),
    finished_at: iso(operation.finishedAt),
  };
}

export function showListedOperation(
  operation: ListedOperation,
  language: Language,
): z.output<typeof listedOperationView> {
  return {
    ...showOperation(operation, language),
    user_id: operation.userId,
    vm_name: operation.vmName,
    vm_id: operation.vmName,
  };
}

export function showEvent(event: OperationEvent): ServerSentEvent {
  const data: z.output<typeof operationEventView> = {
    operation_id: event.operationId,
    at: event.at.toISOString(),
    type: event.type,
    message: event.message,
    data: snakeCased(event.data) as Record<string, unknown>,
  };
  return { id: event.id, event: event.type, data };
}

export function showComponent(component: ComponentHealth): z.output<typeof componentHealthView> {
  const { name, status, latencyMs, detail } = component;
  return { name, status, latency_ms: latencyMs, detail };
}
