/** Hostings as callers of the fake engine see them: create, get, list, delete. */
import {
  type CreateHostingInput,
  type Engine,
  EngineError,
  type Hosting,
  type Operation,
  type User,
} from '../../../engine';
import { parsePublicKey } from '../../../engine/hostings';
import { matches, named } from './hosting-list';
import { hasEnded } from './hosting-records';
import { newHosting } from './new-hosting';
import type { Records } from './records';

export interface FakeHostings {
  readonly asEngineSees: Engine['hostings'];
  /** What creates were asked for, the newest last. */
  readonly asked: readonly CreateHostingInput[];
}

interface First {
  readonly print: string;
  readonly hostingId: string;
  readonly operationId: string;
}

/** @param labelsOf  those of the account */
export function fakeHostings(records: Records, labelsOf: (user: User) => Hosting['labels']): FakeHostings {
  const { broken, hostings, operations, people } = records;
  const asked: CreateHostingInput[] = [];
  const accepted = new Map<string, First>();
  const living = (user: User): Hosting => {
    const hosting = hostings.of(user);
    if (hosting === undefined) throw new EngineError('hosting_not_found');
    return hosting;
  };
  const asEngineSees: Engine['hostings'] = {
    create: async (user, input) => {
      broken.at('create');
      asked.push(input);
      const { idempotencyKey, sshPublicKey } = input;
      if (sshPublicKey !== undefined) parsePublicKey(sshPublicKey);
      if (people.withId(user.id) === undefined)
        throw new EngineError('unauthorized', 'The account no longer exists');
      const key = `${user.id} ${idempotencyKey}`;
      const first = idempotencyKey === undefined ? undefined : accepted.get(key);
      if (first !== undefined && first.print !== printOf(input))
        throw new EngineError('idempotency_key_reused');
      // The private key is given once, so not to a repetition.
      if (first !== undefined)
        return {
          hosting: hostings.find(first.hostingId)!,
          operation: operations.known(first.operationId),
          sshPrivateKey: null,
        };
      if (hostings.of(user) !== undefined) throw new EngineError('quota_exceeded');
      const labels = { ...(input.labels ?? hostings.lastLabels(user)), ...labelsOf(user) };
      const hasKey = sshPublicKey !== undefined;
      const hosting = newHosting(user, hostings.living(), { labels, hasKey });
      const operation = acceptCreate(records, hosting);
      if (idempotencyKey !== undefined)
        accepted.set(key, { print: printOf(input), hostingId: hosting.id, operationId: operation.id });
      return { hosting, operation, sshPrivateKey: hasKey ? null : privateKey };
    },
    get: async (user, id) => hostings.visible(user, id),
    mine: async (user) => {
      broken.at('mine');
      return living(user);
    },
    list: async (filter, { limit, after }) =>
      hostings
        .behind(after)
        .map((hosting) => named(records, hosting))
        .filter((hosting) => matches(hosting, filter))
        .slice(0, limit),
    remove: async (asker, id) => acceptDelete(records, hostings.visible(asker, id)),
    delete: async (user) => acceptDelete(records, living(user)),
  };
  return { asEngineSees, asked };
}

const privateKey = '-----BEGIN OPENSSH PRIVATE KEY-----\nfake\n';

function printOf({ sshPublicKey, labels = {} }: CreateHostingInput): string {
  return JSON.stringify([sshPublicKey, Object.entries(labels).sort()]);
}

const createSteps = [
  'reserve',
  'synthesize',
  'init',
  'plan',
  'check',
  'apply',
  'boot',
  'route',
  'ssh',
  'ready',
];

function acceptCreate({ begin, hostings, runs }: Records, hosting: Hosting): Operation {
  const { id: hostingId, userId, sshPort, vmName } = hosting;
  hostings.add(hosting);
  const onEnd = (operation: Operation): void => {
    const { status, failure } = operation;
    if (status === 'succeeded')
      for (const kind of ['plan', 'apply'] as const) runs.add(operation, kind, 'create');
    const { status: now = 'failed' } = hostings.find(hostingId) ?? {};
    const knownHosts = [`[localhost]:${sshPort},${vmName} ssh-ed25519 AAAAfake`];
    if (status === 'succeeded' && now === 'creating')
      hostings.change(hostingId, { status: 'running', readyAt: new Date(), knownHosts });
    if (status === 'failed') hostings.change(hostingId, { status: 'failed', failure });
  };
  return begin({ kind: 'create-hosting', userId, hostingId, steps: createSteps, onEnd });
}

/** One that is on its way is joined, and one that is stuck goes on. */
function acceptDelete(
  { begin, broken, hostings, operations, resume, runs }: Records,
  hosting: Hosting,
): Operation {
  broken.at('delete');
  if (hasEnded(hosting)) throw new EngineError('hosting_not_found', 'There is no such hosting');
  const { id: hostingId, userId } = hosting;
  const all = operations.all().filter((each) => each.hostingId === hostingId);
  const before = all.find(({ kind }) => kind === 'delete-hosting');
  if (before?.status === 'stuck') return resume(before.id);
  if (before !== undefined && before.status !== 'failed') return before;
  for (const { id, kind, status } of all)
    if (status === 'stuck') resume(id);
    else if (kind === 'create-hosting') operations.cancel(id);
  hostings.change(hostingId, { status: 'deleting' });
  const onEnd = (operation: Operation): void => {
    if (operation.status !== 'succeeded') return;
    runs.add(operation, 'destroy', 'delete');
    hostings.change(hostingId, { status: 'deleted' });
  };
  return begin({ kind: 'delete-hosting', userId, hostingId, steps: ['destroy', 'forget', 'release'], onEnd });
}
