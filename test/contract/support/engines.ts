/** The engine that unit tests of the API are given, and the real one on a real database with a fake host. */
import {
  type Caller,
  type Engine,
  EngineError,
  type ErrorCode,
  errorTexts,
  type User,
} from '../../../engine';
import type { Hosting, Operation, Role } from '../../../engine';
import { domains } from '../../../engine/certificates';
import { acceptSleep } from '../../../engine/sleep';
import { fakeEngine } from '../../fakes/fake-engine';
import { setRole } from '../../../engine/store/users';
import { openWorld } from '../../worlds/world';

export interface Account {
  readonly user: User;
  readonly email: string;
  readonly password: string;
}

export interface Scene {
  readonly engine: Omit<Engine, 'limiter' | 'close'>;
  newAccount(role?: Role): Promise<Account>;
  /** Opens one more session. */
  signIn(account: Pick<Account, 'email' | 'password'>): Promise<Caller & { readonly accessToken: string }>;
  /** Does what is left to do on the operation's stack, as a worker would. */
  work(operation: Operation): Promise<Operation>;
  /** The same, but Terraform fails. */
  fail(operation: Operation, code: ErrorCode): Promise<Operation>;
  /** The same with a removal, which cannot go back. */
  stick(removal: Operation): Promise<Operation>;
  /** The user's hosting. */
  fallAsleep(user: User): Promise<void>;
  /** The VM of the user's hosting is gone, and nobody has noticed. */
  loseVm(user: User): Promise<void>;
  /** Puts the proof of a domain where it is looked for. */
  prove(name: string): void;
  close(): Promise<void>;
}

export const engines: readonly (readonly [string, () => Promise<Scene>])[] = [
  ['the engine', realScene],
  ['the fake engine', () => Promise.resolve(fakeScene())],
];

export interface OpenScene extends Scene {
  newUser(): Promise<User>;
  /** One that runs, as it was when it was accepted. */
  newHosting(user: User, labels?: Hosting['labels']): Promise<Hosting>;
}

/**
 * Opens the scene for the tests of a suite, and closes it behind them. What is returned is filled in before the first of
 * them, the engine as well.
 */
export function sceneOf(open: () => Promise<Scene>): OpenScene {
  const helpers: Pick<OpenScene, 'newUser' | 'newHosting'> = {
    newUser: async () => (await scene.newAccount()).user,
    newHosting: async (user, labels) => {
      const { hosting, operation } = await scene.engine.hostings.create(user, { labels });
      await scene.work(operation);
      return hosting;
    },
  };
  const scene = { ...helpers, engine: {} } as OpenScene;
  beforeAll(async () => {
    const { engine, ...others } = await open();
    Object.assign(scene.engine, engine);
    Object.assign(scene, others);
  });
  afterAll(() => scene.close());
  return scene;
}

const ended = 'planned failure';

async function realScene(): Promise<Scene> {
  const world = await openWorld();
  const { config, engine, host, parts } = world;
  const proved = new Set<string>();
  const isProved = (name: string): Promise<boolean> => Promise.resolve(proved.has(name));
  const work: Scene['work'] = async ({ id }) => {
    const [row]: { stack_id: string }[] = await parts.database.direct.query(
      `SELECT stack_id FROM operations WHERE id = $1`,
      [id],
    );
    await world.work(row!.stack_id);
    return engine.operations.wait(id, { timeoutMs: 0 });
  };
  const workWhere = async (point: string, code: ErrorCode, operation: Operation): Promise<Operation> => {
    host.faults.fail(point, new EngineError(code, ended), 100);
    const worked = await work(operation);
    host.faults.clear();
    return worked;
  };
  const ofEngine = { ...engine, domains: domains({ ...parts, config }, { isProved }) };
  return {
    ...callersOf(ofEngine, async ({ email }) => {
      await setRole(parts.database.direct, email, 'admin');
    }),
    work,
    fail: (operation, code) => workWhere('init', code, operation),
    stick: (operation) => workWhere('inventory', 'libvirt_unavailable', operation),
    fallAsleep: async (user) => {
      const { id } = await engine.hostings.mine(user);
      await parts.database.transaction((tx) => acceptSleep(parts, tx, id, { force: false }));
      await world.work(id);
    },
    loseVm: async (user) => {
      host.domains.delete((await engine.hostings.mine(user)).vmName);
    },
    prove: (name) => void proved.add(name),
    close: () => world.close(),
  };
}

function fakeScene(): Scene {
  const engine = fakeEngine({ operationsEnd: 'by-hand' });
  const { fakeOperations: records } = engine;
  return {
    ...callersOf(engine, ({ email }) => {
      engine.makeAdmin(email);
      return Promise.resolve();
    }),
    work: async ({ id }) => {
      records.work(id);
      return records.known(id);
    },
    fail: async ({ id }, code) => {
      records.end(id, { status: 'failed', failure: { code, message: ended } });
      return records.known(id);
    },
    stick: async ({ id }) => {
      const failure = { code: 'libvirt_unavailable', message: ended } as const;
      records.end(id, { status: 'stuck', failure, owns: ['SSH port 10001'] });
      return records.known(id);
    },
    fallAsleep: async ({ username }) => {
      engine.alter(username, { status: 'sleeping' });
    },
    loseVm: async ({ username }) => {
      engine.differ(username, ['libvirt_domain.vm: create']);
    },
    prove: (name) => void engine.proved.add(name),
    close: () => engine.close(),
  };
}

/** Each has an address and a name of their own. */
function callersOf(
  engine: Scene['engine'],
  makeAdmin: (account: Account) => Promise<void>,
): Pick<Scene, 'engine' | 'newAccount' | 'signIn'> {
  let accounts = 0;
  const signIn: Scene['signIn'] = async ({ email, password }) => {
    const { accessToken } = await engine.accounts.login({ email, password });
    return { ...(await engine.accounts.authenticate(accessToken)), accessToken };
  };
  const newAccount: Scene['newAccount'] = async (role = 'user') => {
    const number = ++accounts;
    const given = { email: `Person${number}@example.org`, password: 'correct horse battery' };
    const account = {
      ...given,
      user: await engine.accounts.register({ ...given, username: `person-${number}` }),
    };
    if (role === 'user') return account;
    await makeAdmin(account);
    return { ...account, user: { ...account.user, role } };
  };
  return { engine, newAccount, signIn };
}

/**
 * What a call is refused with: the error's code, and behind it what the error brings along besides: a message of its own,
 * and the names of its details.
 */
export async function refusal(call: Promise<unknown>): Promise<string> {
  const thrown: unknown = await call.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof EngineError)) throw new Error('it is not refused', { cause: thrown });
  const { code, message, details = {} } = thrown;
  const own = message === errorTexts[code].en ? [] : ['message'];
  return [code, ...own, ...Object.keys(details)].join(' ');
}

export const unknownId = '00000000-0000-4000-8000-000000000000';
export const anyId: unknown = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
export const anyDate: unknown = expect.any(Date);
