/**
 * An Engine that keeps everything in memory and behaves as the interface says: unique e-mails and usernames,
 * tokens that expire by being revoked, one hosting per user, idempotency keys, operations with events.
 *
 * Operations end by themselves at once, or when the test says so (`operationsEnd: 'by-hand'`). `break()` makes a
 * method throw, for the roads that lead through errors.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  EngineError,
  type ComponentHealth,
  type CreateHostingInput,
  type AcceptedHosting,
  type Engine,
  type Hosting,
  type Metrics,
  type Operation,
  type User,
  type ApplyInput,
  type Asker,
  type HostingDrift,
  type PlanReport,
  type RunDetail,
  type OperationKind,
} from '../../engine';
import { FakeOperations } from './fake-operations';

export interface FakeEngineOptions {
  /** @default 'at-once' */
  readonly operationsEnd?: 'at-once' | 'by-hand';
}

type Call =
  'register' | 'login' | 'authenticate' | 'create' | 'mine' | 'delete' | 'basic' | 'detailed' | 'metrics';

interface Account {
  user: User;
  readonly password: string;
}

function person(asker: Asker): User {
  if (asker === 'operator') throw new Error('the API never asks as an operator of the machine');
  return asker;
}

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
  readonly fakeOperations = new FakeOperations();
  readonly operations = this.fakeOperations.asEngineSees();
  /** What the last create was asked for. */
  lastCreate: CreateHostingInput | undefined;
  components: ComponentHealth[] = (
    ['postgres', 'queue', 'libvirt', 'nginx', 'terraform', 'disk'] as const
  ).map((name) => ({ name, status: 'ok', latencyMs: 1.5, detail: 'fake' }));
  ready = true;
  private readonly byEmail = new Map<string, Account>();
  private readonly tokens = new Map<string, string>();
  private readonly hostingOf = new Map<number, Hosting>();
  private readonly accepted = new Map<string, { readonly print: string; readonly answer: AcceptedHosting }>();
  private readonly broken = new Map<Call, unknown>();

  constructor(private readonly options: FakeEngineOptions = {}) {}

  break(call: Call, thrown: unknown): void {
    this.broken.set(call, thrown);
  }

  makeAdmin(email: string): void {
    const account = this.byEmail.get(email.toLowerCase());
    if (account !== undefined) account.user = { ...account.user, role: 'admin' };
  }

  revokeTokens(): void {
    this.tokens.clear();
  }

  readonly accounts: Engine['accounts'] = {
    register: async ({ email, password, username }) => {
      this.mayBreak('register');
      const accounts = [...this.byEmail.values()];
      if (this.byEmail.has(email.toLowerCase()))
        throw new EngineError('email_taken', `${email} has an account`);
      if (accounts.some(({ user }) => user.username === username)) {
        throw new EngineError('username_taken', `The username ${username} is taken`);
      }
      const user: User = { id: accounts.length + 1, email, username, role: 'user', createdAt: new Date() };
      this.byEmail.set(email.toLowerCase(), { user, password });
      return user;
    },
    login: async ({ email, password }) => {
      this.mayBreak('login');
      const account = this.byEmail.get(email.toLowerCase());
      if (account?.password !== password)
        throw new EngineError('invalid_credentials', 'Wrong e-mail or password');
      const accessToken = randomBytes(24).toString('base64url');
      this.tokens.set(accessToken, email.toLowerCase());
      return { accessToken, expiresInSeconds: 3600, user: account.user };
    },
    authenticate: async (accessToken) => {
      this.mayBreak('authenticate');
      const account = this.byEmail.get(this.tokens.get(accessToken) ?? '');
      if (account === undefined) throw new EngineError('unauthorized', 'The signature does not match');
      return account.user;
    },
  };

  /** What the next plans show; tests set it. */
  plan: PlanReport = noChanges;
  lastApply: ApplyInput | undefined;
  knownRuns: RunDetail[] = [];
  knownDrift: HostingDrift[] = [];

  readonly plans: Engine['plans'] = {
    request: async (asker) =>
      this.beginFor(person(asker), 'check-drift', (await this.hostings.mine(person(asker))).id),
    requestNew: async (user) => this.beginFor(user, 'plan-hosting', ''),
    apply: async (asker, _, input) => {
      this.lastApply = input;
      return this.beginFor(person(asker), 'apply-stack', (await this.hostings.mine(person(asker))).id);
    },
    of: ({ id }) => Promise.resolve({ ...this.plan, operationId: id }),
  };

  readonly runs: Engine['runs'] = {
    list: (_, __, limit) => Promise.resolve(this.knownRuns.slice(0, limit)),
    get: async (_, id) => {
      const run = this.knownRuns.find((each) => each.id === id);
      if (run === undefined) throw new EngineError('run_not_found', 'There is no such run');
      return run;
    },
    follow: async function* (this: FakeEngine, _: unknown, id: string) {
      yield this.knownRuns.find((each) => each.id === id)?.log ?? '';
    }.bind(this),
  };

  readonly drift: Engine['drift'] = { list: () => Promise.resolve(this.knownDrift) };

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
      const hosting = await this.hostings.mine(user);
      if (hosting.id !== id) throw new EngineError('hosting_not_found', 'There is no such hosting');
      return hosting;
    },
    mine: async (user) => {
      this.mayBreak('mine');
      const hosting = this.hostingOf.get(user.id);
      if (hosting === undefined) throw new EngineError('hosting_not_found', 'You have no hosting yet');
      return hosting;
    },
    delete: async (user) => {
      const hosting = await this.hostings.mine(user);
      this.mayBreak('delete');
      const operation = this.fakeOperations.begin('delete-hosting', user.id, hosting.id, [
        'destroy',
        'release',
      ]);
      this.fakeOperations.onEnd(operation.id, () => this.hostingOf.delete(user.id));
      return this.maybeEnd(operation);
    },
  };

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

  private beginFor(user: User, kind: OperationKind, hostingId: string): Operation {
    return this.maybeEnd(this.fakeOperations.begin(kind, user.id, hostingId, ['plan']));
  }

  private accept(user: User, { sshPublicKey }: CreateHostingInput): AcceptedHosting {
    if (this.hostingOf.has(user.id))
      throw new EngineError('quota_exceeded', 'You may have 1 hosting', { details: { hostingsPerUser: 1 } });
    const hosting = newHosting(user, 10_001 + this.hostingOf.size);
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
    webUrl: `http://localhost/${user.id}`,
    subdomainUrl: `http://${user.username}.localhost`,
    sshCommand: `ssh -p ${sshPort} ubuntu@localhost`,
    sftpCommand: `sftp -P ${sshPort} ubuntu@localhost`,
    knownHosts: [],
    failure: null,
    createdAt: new Date(),
    readyAt: null,
  };
}
