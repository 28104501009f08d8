/** Hostings as callers of the fake engine see them: create, get, list, delete. */
import { createHash } from 'node:crypto';
import {
  type AcceptedHosting,
  type CreateHostingInput,
  type Engine,
  EngineError,
  type Hosting,
  type NamedHosting,
  namesHosting,
  type User,
} from '../../../engine';
import { newHosting } from './new-hosting';
import type { Records } from './records';

export interface FakeHostings {
  readonly asEngineSees: Engine['hostings'];
  /** What creates were asked for, the newest last. */
  readonly asked: readonly CreateHostingInput[];
}

/** @param labelsOf  those of the account */
export function fakeHostings(records: Records, labelsOf: (user: User) => Hosting['labels']): FakeHostings {
  const { broken, hostings } = records;
  const asked: CreateHostingInput[] = [];
  const accepted = new Map<string, { readonly print: string; readonly answer: AcceptedHosting }>();
  const asEngineSees: Engine['hostings'] = {
    create: async (user, input) => {
      broken.at('create');
      asked.push(input);
      const key = `${user.id} ${input.idempotencyKey}`;
      const print = createHash('sha256')
        .update(input.sshPublicKey ?? '')
        .digest('hex');
      const before = input.idempotencyKey === undefined ? undefined : accepted.get(key);
      if (before !== undefined && before.print !== print)
        throw new EngineError('idempotency_key_reused', 'The key came with another body before');
      // The private key is given once, so not to a repetition.
      if (before !== undefined) return { ...before.answer, sshPrivateKey: null };
      const answer = accept(records, user, input, labelsOf(user));
      if (input.idempotencyKey !== undefined) accepted.set(key, { print, answer });
      return answer;
    },
    get: async (user, id) => hostings.visible(user, id).hosting,
    mine: async (user) => {
      broken.at('mine');
      const hosting = hostings.of(user);
      if (hosting === undefined) throw new EngineError('hosting_not_found', 'You have no hosting yet');
      return hosting;
    },
    list: async ({ names, labels }, { limit, after }) => {
      const from = after === undefined ? 0 : hostings.all().findIndex(({ id }) => id === after) + 1;
      return hostings
        .all()
        .slice(from)
        .map((hosting) => named(records, hosting))
        .filter((hosting) => names.length === 0 || names.some((name) => namesHosting(name, hosting)))
        .filter((hosting) => Object.entries(labels).every(([name, value]) => hosting.labels[name] === value))
        .slice(0, limit);
    },
    remove: async (asker, id) => asEngineSees.delete(hostings.visible(asker, id).owner),
    delete: async (user) => {
      const { id } = await asEngineSees.mine(user);
      broken.at('delete');
      return records.begin('delete-hosting', user, id, ['destroy', 'release'], () => {
        hostings.remove(user);
      });
    },
  };
  return { asEngineSees, asked };
}

function accept(
  { begin, hostings }: Records,
  user: User,
  { sshPublicKey, labels }: CreateHostingInput,
  ofAccount: Hosting['labels'],
): AcceptedHosting {
  if (hostings.of(user) !== undefined)
    throw new EngineError('quota_exceeded', 'You may have 1 hosting', { details: { hostingsPerUser: 1 } });
  const hosting = newHosting(user, 10_001 + hostings.all().length, { ...labels, ...ofAccount });
  hostings.add(hosting);
  const operation = begin('create-hosting', user, hosting.id, ['plan', 'apply', 'route'], ({ status }) => {
    const knownHosts = [`[localhost]:${hosting.sshPort} ssh-ed25519 AAAAfake`];
    if (status === 'succeeded') hostings.change(user, { status: 'running', readyAt: new Date(), knownHosts });
    else hostings.remove(user);
  });
  const sshPrivateKey = sshPublicKey === undefined ? '-----BEGIN OPENSSH PRIVATE KEY-----\nfake\n' : null;
  return { hosting, operation, sshPrivateKey };
}

function named({ people }: Records, hosting: Hosting): NamedHosting {
  const { id, vmName, status, createdAt, labels, drift } = hosting;
  const username = people.withId(hosting.userId)?.user.username ?? '';
  return { id, vmName, status, createdAt, labels, drift, username };
}
