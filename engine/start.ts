/** Puts the real parts together. Tests put fakes in the place of some of them. */
import { accounts, accountsRoom, personalTokens } from './accounts';
import { audit } from './audit';
import { systemClock } from './base/clock';
import type { Config } from './base/config';
import { certificatesRoom, domains, openProxy } from './certificates';
import type { Engine } from './engine';
import {
  durableRoom,
  type EngineParts,
  graphileQueue,
  kindsOf,
  measures as newMeasures,
  migrateQueue,
  operationRunner,
  operations,
  type Parts,
  postgresEventBus,
  type Room,
} from './durable';
import { health, metrics, monitoringRoom, reconcileLogs, reportWorker } from './monitoring';
import { hostings, hostingsRoom, labels, publishRoutes, runs } from './hostings';
import { openMachine } from './machine/open-machine';
import { memoryLimiter } from './base/limits';
import type { Log } from './base/log';
import { drift, plans, plansRoom } from './plans';
import { ejectionRoom } from './ejection';
import { nodeRoom } from './node';
import { type Definition, ownership, stackWork } from './stack';
import { sweepRoom } from './sweep';
import { sleep, sleepRoom } from './sleep';
import { processName } from './base/process-name';
import { routePublisher } from './machine/nginx/publisher';
import type { Redis } from './machine/redis/redis';
import { secretBox } from './base/secret-box';
import { databaseUrl } from './store/url';
import { openDatabase } from './store/database';
import { releaseUsername } from './store/retired-usernames';
import { noTracing } from './base/tracing';

/** In the order in which their keepers begin to look. */
const rooms: readonly Room<Definition>[] = [
  hostingsRoom,
  nodeRoom,
  durableRoom,
  sweepRoom,
  plansRoom,
  ejectionRoom,
  accountsRoom,
  certificatesRoom,
  sleepRoom,
  monitoringRoom,
];

/** Every operation there is. */
export const definitions = rooms.flatMap(({ operations: ofRoom }) => ofRoom);

/** Opens the database, brings its schema up to date, and connects every part. Nothing runs yet. */
export async function connectParts(
  config: Config,
  log: Log,
  replace: Partial<Parts> = {},
  operationsThereAre: readonly Definition[] = definitions,
): Promise<EngineParts> {
  // state, plans and configuration hold secrets; what others must read is given its mode by name
  process.umask(0o077);
  const url = databaseUrl(config);
  const database = await openDatabase(url);
  await migrateQueue(url);
  await database.migrate();
  const bus = await postgresEventBus(url, log);
  const box = secretBox(config.STATE_KEY, config.STATE_OLD_KEYS);
  const measures = newMeasures();
  const proxy = replace.proxy ?? openProxy(config, { database, box, measures });
  const parts: Parts = {
    config,
    log,
    clock: systemClock,
    database,
    kinds: kindsOf(operationsThereAre),
    owned: () => ownership(parts),
    queue: graphileQueue({ connectionString: url, concurrency: config.WORKER_CONCURRENCY, log }),
    secretBox: box,
    measures,
    ...(await openMachine(config, replace)),
    // commands are not traced, and have nothing to share
    tracing: noTracing,
    redis: null,
    proxy,
    routePublisher: routePublisher(() => publishRoutes(database, proxy, log), systemClock),
    ...replace,
  };
  const owner = processName();
  return {
    parts,
    bus,
    runner: operationRunner({ parts, definitions: operationsThereAre, ...stackWork(parts), bus, owner }),
  };
}

/** What the engine is asked, by parts that are connected. */
export function answersOf({ parts, bus }: EngineParts): Omit<Engine, 'limiter' | 'close'> {
  const { config, database } = parts;
  return {
    accounts: accounts(database, config),
    usernames: { release: (username) => releaseUsername(database.direct, username) },
    tokens: personalTokens(database),
    audit: audit(database),
    hostings: hostings(parts),
    sleep: sleep(parts),
    domains: domains(parts),
    operations: operations(parts, bus),
    plans: plans(parts),
    runs: runs(parts, bus),
    drift: drift(parts),
    labels: labels(parts),
    metrics: metrics(parts),
    health: health(parts),
  };
}

/** Starts what the role asks for. */
export async function startEngine(config: Config, log: Log, replace: Partial<Parts> = {}): Promise<Engine> {
  const shared = config.REDIS_URL === undefined ? null : openShared(config.REDIS_URL, log);
  const connected = await connectParts(config, log, { redis: shared?.redis ?? null, ...replace });
  const { parts, bus } = connected;
  const stopReconciling = config.ROLE === 'api' ? reconcileLogs(parts).stop : await startWorking(connected);
  return {
    limiter: (name, limit) => shared?.limiter(name, limit) ?? memoryLimiter(limit),
    ...answersOf(connected),
    close: async () => {
      stopReconciling();
      await parts.queue.stop();
      await parts.measures.flush(parts.database.direct).catch(() => undefined);
      await bus.close();
      parts.redis?.disconnect();
      await parts.database.close();
    },
  };
}

/** What API processes share. Its library is loaded where there is a Redis. */
function openShared(url: string, log: Log): { redis: Redis; limiter: Engine['limiter'] } {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const library = require('./machine/redis/redis') as typeof import('./machine/redis/redis');
  const redis = library.openRedis(url, log);
  return { redis, limiter: (name, limit) => library.redisLimiter(name, limit, redis) };
}

/** Takes jobs and looks after things from here on. @returns stops looking; the queue is stopped apart */
export async function startWorking(engine: EngineParts): Promise<() => void> {
  const { parts, runner } = engine;
  await parts.queue.start((stackId, handover) => runner.perform(stackId, handover));
  const looking = rooms
    .flatMap(({ keepers }) => keepers)
    .map((keep) => keep(engine))
    .filter((each) => each !== null);
  const reporting = reportWorker(parts, () => looking.map((each) => each.lastLook()));
  return () => {
    for (const { stop } of [...looking, reporting]) stop();
  };
}
