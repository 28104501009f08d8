/** The operator's work done by a service elsewhere: with an administrator's token for everybody's, else for one's own. */
import type { z } from 'zod';
import type { accountView } from '../../api/schemas/account';
import type { hostingAccess, hostingList } from '../../api/schemas/hosting';
import type { operationList } from '../../api/schemas/operation';
import type { driftList, planAnswer, runDetail, runList } from '../../api/schemas/terraform';
import type { userLabels } from '../../api/schemas/label';
import {
  differingFirst,
  EngineError,
  type HostingDrift,
  type HostingFilter,
  hostingTroubles,
  longestPage,
  type NamedHosting,
  namesHosting,
  type Operator,
  relabelled,
  takeDown,
  theOne,
} from '../../engine';
import type { Client, Sent } from './client';
import { followLog, followOperation, type Patience, type SentOperation } from './follow';
import {
  toHostingDrift,
  toListedOperation,
  toNamedHosting,
  toPlanReport,
  toRun,
  toRunDetail,
  toUserLabels,
} from './revive';

type Answer<S extends z.ZodType> = z.output<S>;
type Me = Answer<typeof accountView>['user'];

/** As the service takes a name; any other names nothing. */
const nameOfSomething = /^(user:)?[A-Za-z0-9-]{1,64}$/;
/** Names in one request: they travel in its address. */
const namesAtOnce = 50;
/** Answered at once; the operation is followed, however long it takes. */
const respondAsync = { prefer: 'respond-async' };

export function remoteOperator(client: Client, patience: Patience): Operator {
  let asked: Promise<Me> | null = null;
  const me = (): Promise<Me> =>
    (asked ??= client.data<Answer<typeof accountView>>('GET', '/auth/me').then(({ user }) => user));
  const begin = (method: string, path: string, sent?: Sent) => beginOperation(client, method, path, sent);
  const planned = async (method: string, path: string, sent?: Sent) => {
    const id = await begin(method, path, sent);
    await followOperation(client, id, patience);
    return toPlanReport(await client.data<Answer<typeof planAnswer>>('GET', `/operations/${id}/plan`));
  };
  const dryRun = { query: { dry_run: 'true' } };
  return {
    place: client.url,
    find: async (text) => findHosting(client, await me(), text),
    select: async (filter) => {
      const who = await me();
      return who.role === 'admin' ? listHostings(client, filter) : ownOf(client, who, filter);
    },
    plan: (id) => planned('GET', `/hostings/${id}/plan`),
    planNew: async (username) => {
      const { username: own, role } = await me();
      if (role !== 'admin' && username === own) return planned('POST', '/host', dryRun);
      return planned('POST', '/admin/plans', { body: { username } });
    },
    apply: async (id, { recreateDisk, agreed }, onProgress) => {
      const body = { recreate_disk: recreateDisk, agreed };
      await followOperation(
        client,
        await begin('POST', `/hostings/${id}/apply`, { body }),
        patience,
        onProgress,
      );
    },
    ...records(client, patience, me),
    label: async (username, change) => {
      const path = `/admin/users/${encodeURIComponent(username)}/labels`;
      const known = toUserLabels(await client.data<Answer<typeof userLabels>>('GET', path));
      const labels = relabelled(known.labels, change);
      if (labels === null) return known;
      return toUserLabels(await client.data<Answer<typeof userLabels>>('PUT', path, { body: { labels } }));
    },
    tearDown: (hostings, options) =>
      takeDown(hostings, options, {
        remove: async ({ id }) => followOperation(client, await begin('DELETE', `/hostings/${id}`), patience),
        plan: ({ id }) => planned('DELETE', `/hostings/${id}`, dryRun),
      }),
  };
}

/** What was done and found: nothing of it begins anything. */
function records(
  client: Client,
  patience: Patience,
  me: () => Promise<Me>,
): Pick<Operator, 'runs' | 'run' | 'followRun' | 'drift' | 'operations'> {
  return {
    runs: async (id, limit) => {
      type Runs = Answer<typeof runList>;
      const path = `/hostings/${id}/runs`;
      return (await pages(client, path, {}, ({ runs }: Runs) => runs, limit)).map(toRun);
    },
    run: async (id) =>
      toRunDetail(
        (await client.data<Answer<typeof runDetail>>('GET', `/runs/${encodeURIComponent(id)}`)).run,
      ),
    followRun: (id) => followLog(client, encodeURIComponent(id), patience),
    drift: async () => {
      const who = await me();
      if (who.role !== 'admin') return (await ownOf(client, who, everything)).filter(isLookedAt).map(driftOf);
      type Drift = Answer<typeof driftList>;
      const found = await pages(client, '/admin/drift', {}, ({ hostings }: Drift) => hostings);
      return differingFirst(found.map(toHostingDrift));
    },
    operations: async ({ status, limit }) => {
      const query = { status, limit: String(limit) };
      const { operations } = await client.data<Answer<typeof operationList>>('GET', '/admin/operations', {
        query,
      });
      return operations.map(toListedOperation);
    },
  };
}

/** Page after page. @param most  how many at most. @default all */
async function pages<A extends { readonly next: string | null }, T>(
  client: Client,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  entriesOf: (answer: A) => readonly T[],
  most = Infinity,
): Promise<T[]> {
  const all: T[] = [];
  for (let after: string | undefined; ;) {
    const limit = String(Math.min(longestPage, most - all.length));
    const answer = await client.data<A>('GET', path, { query: { ...query, limit, after } });
    all.push(...entriesOf(answer));
    if (answer.next === null || all.length >= most) return all;
    after = answer.next;
  }
}

/** @returns the operation's id */
async function beginOperation(
  client: Client,
  method: string,
  path: string,
  sent: Sent = {},
): Promise<string> {
  const headers = { ...respondAsync, ...sent.headers };
  const { operation } = await client.data<{ operation: SentOperation }>(method, path, { ...sent, headers });
  return operation.id;
}

const everything: HostingFilter = { names: [], labels: {}, olderThanSeconds: null };

async function findHosting(client: Client, me: Me, text: string | null): Promise<NamedHosting> {
  if (text === null) return ownHosting(client, me);
  const filter = { ...everything, names: [text] };
  if (me.role === 'admin') return theOne(text, await listHostings(client, filter));
  return theOne(
    text,
    await ownOf(client, me, filter),
    () =>
      new EngineError('hosting_not_found', `You have no hosting named "${text}" (VM name, ID or username)`),
  );
}

async function ownHosting(client: Client, { username }: Me): Promise<NamedHosting> {
  const { hosting } = await client.data<Answer<typeof hostingAccess>>('GET', '/host/my');
  return toNamedHosting(hosting, username);
}

/** The caller's hosting if the filter takes it. */
async function ownOf(
  client: Client,
  me: Me,
  { names, labels, olderThanSeconds }: HostingFilter,
): Promise<NamedHosting[]> {
  const own = await ownHosting(client, me).catch((thrown: unknown) => {
    if (thrown instanceof EngineError && thrown.code === 'hosting_not_found') return null;
    throw thrown;
  });
  if (own === null) return [];
  const named = names.length === 0 || names.some((name) => namesHosting(name, own));
  const labelled = Object.entries(labels).every(([name, value]) => own.labels[name] === value);
  const old = olderThanSeconds === null || own.createdAt.getTime() < Date.now() - olderThanSeconds * 1_000;
  return named && labelled && old ? [own] : [];
}

async function listHostings(
  client: Client,
  { names, labels, olderThanSeconds }: HostingFilter,
): Promise<NamedHosting[]> {
  const known = names.filter((name) => nameOfSomething.test(name));
  if (names.length > 0 && known.length === 0) return [];
  const found = new Map<string, NamedHosting>();
  for (let from = 0; from === 0 || from < known.length; from += namesAtOnce) {
    const query = {
      names: known.slice(from, from + namesAtOnce).join(',') || undefined,
      labels:
        Object.entries(labels)
          .map((pair) => pair.join('='))
          .join(',') || undefined,
      older_than_seconds: olderThanSeconds === null ? undefined : String(olderThanSeconds),
    };
    type Hostings = Answer<typeof hostingList>;
    const listed = await pages(client, '/admin/hostings', query, ({ hostings }: Hostings) => hostings);
    for (const each of listed) found.set(each.id, toNamedHosting(each, each.username));
  }
  return [...found.values()].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
}

/** As the list of everybody's drift shows them. */
function isLookedAt({ status }: NamedHosting): boolean {
  return ['running', 'stopped', 'sleeping', ...hostingTroubles].includes(status);
}

function driftOf({ id, vmName, username, status, drift }: NamedHosting): HostingDrift {
  return { hostingId: id, vmName, username, isAsleep: status === 'sleeping', ...drift };
}
