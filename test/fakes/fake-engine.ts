/**
 * An Engine that keeps everything in memory and behaves as the interface says: unique e-mails and usernames,
 * tokens that expire by being revoked, one hosting per user, idempotency keys, operations with events.
 *
 * Operations end by themselves at once, or when the test says so (`operationsEnd: 'by-hand'`). `break()` makes a
 * method throw, for the roads that lead through errors.
 */
import { memoryLimiter } from '../../engine/base/limits';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  type AuditEntry,
  type Caller,
  emailKey,
  EngineError,
  type ComponentHealth,
  type CreateHostingInput,
  type AcceptedHosting,
  type Engine,
  type Hosting,
  type Metrics,
  type NamedHosting,
  namesHosting,
  type Operation,
  type User,
  type ApplyInput,
  type Asker,
  type HostingDrift,
  type PlanReport,
  type RunDetail,
  type OperationKind,
} from '../../engine';
import { FakeDomains } from './fake-domains';
import { FakeOperations } from './fake-operations';
import { onePage } from './one-page';
import { fakeAudit } from './fake-audit';
import { fakeLabels } from './fake-labels';
import { fakeTokens } from './fake-tokens';

export interface FakeEngineOptions {
  /** @default 'at-once' */
  readonly operationsEnd?: 'at-once' | 'by-hand';
}

type Call =
  | 'register'
  | 'login'
  | 'authenticate'
  | 'create'
  | 'mine'
  | 'delete'
  | 'basic'
  | 'detailed'
  | 'metrics'
  | 'audit';

interface Account {
  user: User;
  password: string;
}

function person(asker: Asker): User {
  if (asker === 'operator') throw new Error('the API never asks as an operator of the machine');
  return asker;
}

/** As the database has it; what has no such form is no account's. */
const keyOf = (email: string): string => emailKey(email) ?? email;

const noChanges: PlanReport = {
  operationId: '',
  runId: '5f0c1f0e-0f7b-4f57-8f1c-0d8b3c1f2a3b',
  at: new Date(),
  differences: [],
  changes: [],
  text: 'No changes.',
  json: {},
};

export class FakeEngine implements Engine {
  readonly limiter: Engine['limiter'] = (_, limit) => memoryLimiter(limit);
  readonly fakeOperations = new FakeOperations();
  readonly operations = this.fakeOperations.asEngineSees();
  /** What the last create was asked for. */
  lastCreate: CreateHostingInput | undefined;
  components: ComponentHealth[] = (
    ['postgres', 'queue', 'libvirt', 'nginx', 'terraform', 'disk'] as const
  ).map((name) => ({ name, status: 'ok', latencyMs: 1.5, detail: 'fake' }));
  ready = true;
  private readonly byEmail = new Map<string, Account>();
  private readonly sessions = new Map<string, string>();
  private readonly hostingOf = new Map<number, Hosting>();
  private readonly accepted = new Map<string, { readonly print: string; readonly answer: AcceptedHosting }>();
  private readonly broken = new Map<Call, unknown>();

  constructor(private readonly options: FakeEngineOptions = {}) {}

  break(call: Call, thrown: unknown): void {
    this.broken.set(call, thrown);
  }

  makeAdmin(email: string): void {
    const account = this.byEmail.get(keyOf(email));
    if (account !== undefined) account.user = { ...account.user, role: 'admin' };
  }

  revokeTokens(): void {
    this.sessions.clear();
  }

  private signIn(email: string, user: User) {
    const accessToken = randomBytes(24).toString('base64url');
    this.sessions.set(accessToken, keyOf(email));
    return { accessToken, expiresInSeconds: 3600, user };
  }

  private signOut(email: string): void {
    for (const [token, of] of this.sessions) if (of === keyOf(email)) this.sessions.delete(token);
  }

  private confirmed({ user }: Caller, password: string): Account {
    const account = this.byEmail.get(keyOf(user.email));
    if (account?.password !== password) throw new EngineError('wrong_password', 'That is not it');
    return account;
  }

  readonly accounts: Engine['accounts'] = {
    register: async ({ email, password, username }) => {
      this.mayBreak('register');
      const accounts = [...this.byEmail.values()];
      if (this.byEmail.has(keyOf(email))) throw new EngineError('email_taken', `${email} has an account`);
      if (accounts.some(({ user }) => user.username === username)) {
        throw new EngineError('username_taken', `The username ${username} is taken`);
      }
      if (this.retired.has(username)) throw new EngineError('username_retired', `${username} rests`);
      const user: User = { id: accounts.length + 1, email, username, role: 'user', createdAt: new Date() };
      this.byEmail.set(keyOf(email), { user, password });
      return user;
    },
    login: async ({ email, password }) => {
      this.mayBreak('login');
      const account = this.byEmail.get(keyOf(email));
      if (account?.password !== password)
        throw new EngineError('invalid_credentials', 'Wrong e-mail or password');
      return this.signIn(email, account.user);
    },
    authenticate: async (accessToken) => {
      this.mayBreak('authenticate');
      const token = this.fakeTokens.find(accessToken);
      const email = token === undefined ? this.sessions.get(accessToken) : keyOf(token.user.email);
      const account = this.byEmail.get(email ?? '');
      if (account === undefined) throw new EngineError('unauthorized', 'The signature does not match');
      const { user } = account;
      if (token !== undefined) return { user, via: { kind: 'token', ...token.made } };
      return { user, via: { kind: 'session', id: accessToken, expiresAt: new Date(Date.now() + 3_600_000) } };
    },
    logout: async ({ user, via }, { everywhere }) => {
      if (everywhere) this.signOut(user.email);
      else this.sessions.delete(via.id);
    },
    changePassword: async (caller, { current, next }) => {
      const account = this.confirmed(caller, current);
      account.password = next;
      this.signOut(caller.user.email);
      return this.signIn(caller.user.email, account.user);
    },
    delete: async (caller, { password }) => {
      this.confirmed(caller, password);
      if (this.hostingOf.has(caller.user.id)) throw new EngineError('hosting_exists', 'There is a hosting');
      this.signOut(caller.user.email);
      this.byEmail.delete(keyOf(caller.user.email));
      this.retired.add(caller.user.username);
    },
  };

  /** Of accounts that are gone. */
  readonly retired = new Set<string>();
  readonly usernames: Engine['usernames'] = {
    release: async (username) => {
      if (!this.retired.delete(username)) throw new EngineError('not_found', 'It does not rest');
    },
  };

  private readonly fakeTokens = fakeTokens();
  readonly tokens = this.fakeTokens.asEngineSees;
  readonly audited: AuditEntry[] = [];
  readonly audit = fakeAudit(this.audited, (email) => {
    this.mayBreak('audit');
    return email === undefined ? undefined : this.byEmail.get(keyOf(email))?.user;
  });

  /** What the next plans show; tests set it. */
  plan: PlanReport = noChanges;
  lastApply: ApplyInput | undefined;
  knownRuns: RunDetail[] = [];
  knownDrift: HostingDrift[] = [];

  readonly plans: Engine['plans'] = {
    request: async (asker, id) =>
      this.beginFor(
        person(asker),
        'plan-apply',
        id === null ? (await this.hostings.mine(person(asker))).id : this.visible(asker, id).hosting.id,
      ),
    requestNew: async (user) => this.beginFor(user, 'plan-create', ''),
    apply: async (asker, id, input) => {
      this.lastApply = input;
      const hosting = id === null ? await this.hostings.mine(person(asker)) : this.visible(asker, id).hosting;
      return this.beginFor(person(asker), 'apply-hosting', hosting.id);
    },
    requestNewFor: async (username) => {
      const account = [...this.byEmail.values()].find(({ user }) => user.username === username);
      if (account === undefined) throw new EngineError('not_found', `There is no user ${username}`);
      return this.beginFor(account.user, 'plan-create', '');
    },
    requestDelete: async (asker, id) =>
      this.beginFor(person(asker), 'plan-delete', this.visible(asker, id).hosting.id),
    of: (operation) => {
      const { id, finishedAt, failure } = this.fakeOperations.known(operation.id);
      if (failure !== null) throw new EngineError(failure.code, failure.message);
      if (finishedAt === null) throw new EngineError('not_ended', 'The plan is not there yet');
      return Promise.resolve({ ...this.plan, operationId: id });
    },
  };

  readonly runs: Engine['runs'] = {
    list: (_, __, page) => Promise.resolve(onePage(this.knownRuns, page, ({ id }) => id)),
    get: async (_, id) => {
      const run = this.knownRuns.find((each) => each.id === id);
      if (run === undefined) throw new EngineError('run_not_found', 'There is no such run');
      return run;
    },
    follow: async function* (this: FakeEngine, _: unknown, id: string) {
      yield this.knownRuns.find((each) => each.id === id)?.log ?? '';
    }.bind(this),
  };

  readonly drift: Engine['drift'] = {
    list: (page) => Promise.resolve(onePage(this.knownDrift, page, ({ hostingId }) => hostingId)),
  };

  private readonly fakeLabels = fakeLabels({
    userOf: (username) => [...this.byEmail.values()].find(({ user }) => user.username === username)?.user,
    hostingOf: (user) => this.hostingOf.get(user.id),
    change: (user, labels) => {
      this.alter(user.username, { labels });
    },
  });
  readonly labels = this.fakeLabels.asEngineSees;

  readonly hostings: Engine['hostings'] = {
    create: async (user, input) => {
      this.mayBreak('create');
      this.lastCreate = input;
      const key = `${user.id} ${input.idempotencyKey}`;
      const print = createHash('sha256')
        .update(input.sshPublicKey ?? '')
        .digest('hex');
      const before = input.idempotencyKey === undefined ? undefined : this.accepted.get(key);
      if (before !== undefined && before.print !== print) {
        throw new EngineError('idempotency_key_reused', 'The key came with another body before');
      }
      // The private key is given once, so not to a repetition.
      if (before !== undefined) return { ...before.answer, sshPrivateKey: null };
      const answer = this.accept(user, input);
      if (input.idempotencyKey !== undefined) this.accepted.set(key, { print, answer });
      return answer;
    },
    get: async (user, id) => {
      return this.visible(user, id).hosting;
    },
    mine: async (user) => {
      this.mayBreak('mine');
      const hosting = this.hostingOf.get(user.id);
      if (hosting === undefined) throw new EngineError('hosting_not_found', 'You have no hosting yet');
      return hosting;
    },
    list: async ({ names, labels }, { limit, after }) => {
      const all = [...this.hostingOf.values()].map((hosting) => this.named(hosting));
      const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
      return all
        .slice(from)
        .filter((hosting) => names.length === 0 || names.some((name) => namesHosting(name, hosting)))
        .filter((hosting) => Object.entries(labels).every(([name, value]) => hosting.labels[name] === value))
        .slice(0, limit);
    },
    remove: async (asker, id) => this.hostings.delete(this.visible(asker, id).owner),
    delete: async (user) => {
      const hosting = await this.hostings.mine(user);
      this.mayBreak('delete');
      const steps = ['destroy', 'release'];
      const operation = this.fakeOperations.begin('delete-hosting', user.id, hosting.id, steps);
      this.fakeOperations.onEnd(operation.id, () => this.hostingOf.delete(user.id));
      return this.maybeEnd(operation);
    },
  };

  readonly sleep: Engine['sleep'] = {
    wake: async (user) => {
      const { id, status } = await this.hostings.mine(user);
      if (status !== 'sleeping') return null;
      const operation = this.fakeOperations.begin('wake-hosting', user.id, id, ['start', 'open']);
      this.fakeOperations.onEnd(operation.id, () => {
        this.alter(user.username, { status: 'running' });
      });
      return this.maybeEnd(operation);
    },
  };

  /** Names that the fake takes for proved. */
  private readonly fakeDomains = new FakeDomains((user) => this.hostings.mine(user));
  readonly proved = this.fakeDomains.proved;
  readonly domains = this.fakeDomains.asEngineSees;

  readonly health: Engine['health'] = {
    basic: async () => {
      this.mayBreak('basic');
      return this.ready;
    },
    detailed: async () => {
      this.mayBreak('detailed');
      return this.components;
    },
  };

  numbers: Metrics = {
    operations: [{ kind: 'delete-hosting', status: 'stuck', count: 2 }],
    oldestOperations: [{ status: 'stuck', seconds: 61.5 }],
    hostings: [{ status: 'running', count: 7 }],
    spares: [{ state: 'waiting', count: 2 }],
    sweep: { ageSeconds: 12, findings: [{ kind: 'domain', count: 1 }] },
    sshPorts: { used: 7, total: 10_001 },
    drift: { hostings: 3, failedLooks: 1, oldestLookSeconds: 90.5 },
    queue: { waiting: 3, running: 1, oldestSeconds: 4.5 },
    leases: { held: 1, expired: 0 },
    vms: [{ state: 'running', count: 7 }],
    pool: { freeBytes: 1000, totalBytes: 4000 },
    draining: [{ nginx: 'ssh', count: 3 }],
    reconcilers: [{ name: 'sweep', ageSeconds: 3.5, failed: false }],
    certificates: [{ name: 'pages.example.org', secondsLeft: 60.5 * 86_400, failures: 0 }],
    measures: [
      {
        name: 'operations',
        help: 'Operations that ended.',
        labels: { kind: 'create-hosting', outcome: 'succeeded' },
        buckets: [
          { atMost: 1, count: 2 },
          { atMost: 10, count: 5 },
        ],
        count: 6,
        seconds: 42.5,
      },
    ],
  };
  readonly metrics: Engine['metrics'] = {
    read: async () => {
      this.mayBreak('metrics');
      return this.numbers;
    },
  };

  async close(): Promise<void> {
    this.fakeOperations.endAll();
  }

  private named(hosting: Hosting): NamedHosting {
    const { id, vmName, status, createdAt, labels, drift } = hosting;
    const owner = [...this.byEmail.values()].find(({ user }) => user.id === hosting.userId);
    return { id, vmName, status, createdAt, labels, drift, username: owner?.user.username ?? '' };
  }

  private visible(asker: Asker, id: string): { hosting: Hosting; owner: User } {
    const hosting = [...this.hostingOf.values()].find((each) => each.id === id);
    const owner = [...this.byEmail.values()].find(({ user }) => user.id === hosting?.userId)?.user;
    const { id: me, role } = person(asker);
    if (hosting === undefined || owner === undefined || (owner.id !== me && role !== 'admin'))
      throw new EngineError('hosting_not_found', 'There is no such hosting');
    return { hosting, owner };
  }

  private beginFor(user: User, kind: OperationKind, hostingId: string): Operation {
    return this.maybeEnd(this.fakeOperations.begin(kind, user.id, hostingId, ['plan']));
  }

  /** Tests make a hosting look as they need it. */
  alter(username: string, change: Partial<Hosting>): void {
    for (const [userId, hosting] of this.hostingOf)
      if (this.named(hosting).username === username) this.hostingOf.set(userId, { ...hosting, ...change });
  }

  private accept(user: User, { sshPublicKey, labels }: CreateHostingInput): AcceptedHosting {
    if (this.hostingOf.has(user.id))
      throw new EngineError('quota_exceeded', 'You may have 1 hosting', { details: { hostingsPerUser: 1 } });
    const hosting = {
      ...newHosting(user, 10_001 + this.hostingOf.size),
      labels: { ...labels, ...this.fakeLabels.of(user) },
    };
    this.hostingOf.set(user.id, hosting);
    const operation = this.fakeOperations.begin('create-hosting', user.id, hosting.id, [
      'plan',
      'apply',
      'route',
    ]);
    this.fakeOperations.onEnd(operation.id, ({ status }) => {
      const host = `[localhost]:${hosting.sshPort}`;
      const running = {
        status: 'running',
        readyAt: new Date(),
        knownHosts: [`${host} ssh-ed25519 AAAAfake`],
      } as const;
      if (status === 'succeeded') this.hostingOf.set(user.id, { ...hosting, ...running });
      else this.hostingOf.delete(user.id);
    });
    const sshPrivateKey = sshPublicKey === undefined ? '-----BEGIN OPENSSH PRIVATE KEY-----\nfake\n' : null;
    return { hosting, operation: this.maybeEnd(operation), sshPrivateKey };
  }

  /** The operation as it was accepted: also when it ends at once, the caller learns of it by waiting. */
  private maybeEnd(operation: Operation): Operation {
    if (this.options.operationsEnd !== 'by-hand') setImmediate(() => this.fakeOperations.end(operation.id));
    return operation;
  }

  private mayBreak(call: Call): void {
    if (this.broken.has(call)) throw this.broken.get(call);
  }
}

function newHosting(user: User, sshPort: number): Hosting {
  const id = randomUUID();
  return {
    id,
    userId: user.id,
    vmName: `vm-${id.slice(0, 8)}`,
    status: 'creating',
    image: 'micro',
    ip: '10.90.0.10',
    sshPort,
    memoryMiB: 1024,
    vcpus: 1,
    diskGiB: 20,
    labels: {},
    webUrl: `http://localhost/${user.id}/`,
    subdomainUrl: `http://${user.username}.localhost`,
    sshCommand: `ssh -p ${sshPort} ubuntu@localhost`,
    sftpCommand: `sftp -P ${sshPort} ubuntu@localhost`,
    knownHosts: [],
    failure: null,
    drift: { checkedAt: null, differences: [], lookFailed: false, lookFailure: null },
    createdAt: new Date(),
    readyAt: null,
  };
}
