/** Puts the real parts together. Tests put fakes in the place of some of them. */
import type { Reconciler } from './base/every';
import path from 'node:path';
import { accounts, personalTokens, reconcileEndedSessions } from './accounts';
import { audit } from './audit';
import { systemClock } from './base/clock';
import { type Config, expandPorts } from './base/config';
import { domains, readSite, reconcileCertificates } from './certificates';
import type { Engine } from './engine';
import {
  type EngineParts,
  graphileQueue,
  type Measures,
  measures as newMeasures,
  migrateQueue,
  type OperationDefinition,
  operationRunner,
  operations,
  type Parts,
  postgresEventBus,
  reconcileExpiredLeases,
  reconcileOldRecords,
} from './durable';
import { networkGuest } from './machine/guest/network-guest';
import {
  health,
  metrics,
  reconcileLogs,
  reconcileMeasures,
  reconcileTroubles,
  reportWorker,
} from './monitoring';
import {
  claimSpare,
  createHosting,
  deleteHosting,
  hostings,
  keepsSpares,
  labels,
  makeSpare,
  reconcileServedRoutes,
  reconcileWarmPool,
  removeSpare,
  runs,
} from './hostings';
import { serviceFacts } from './machine/nginx/landing-page';
import { apiUrlOf, serviceHosts } from './base/origins';
import { imageBuilder } from './machine/images/builder';
import { nodeIsolation } from './machine/isolation/node-isolation';
import { virshInventory } from './machine/libvirt/virsh';
import { virshAgent } from './machine/libvirt/virsh-agent';
import { bootTrial } from './machine/libvirt/virtualization';
import { memoryLimiter } from './base/limits';
import type { Log } from './base/log';
import { applyStack, checkDrift, drift, planHosting, planRemoval, plans, reconcileDrift } from './plans';
import { adoptHosting, ejectHosting } from './ejection';
import { prepareNode, reconcileCapacity, reconcileFences, removeNode } from './node';
import { reconcileBySweeping, removeOrphan } from './sweep';
import { keepDoors, reconcileIdle, sleep, sleepHosting, wakeHosting } from './sleep';
import { processName } from './base/process-name';
import { linuxNodeCare } from './machine/host/linux-care';
import { nginxUser } from './machine/nginx/control';
import { hasIpv6 } from './machine/nginx/listening';
import { defaultLimits } from './machine/nginx/proxy-settings';
import { nginxModules } from './machine/nginx/nginx-modules';
import { nginxProxy } from './machine/nginx/nginx';
import { routePublisher } from './machine/nginx/publisher';
import type { HttpsSettings } from './machine/nginx/proxy-settings';
import { type SecretBox, secretBox } from './base/secret-box';
import { openRedis } from './machine/redis/redis';
import { redisLimiter } from './machine/redis/redis-limiter';
import { databaseUrl } from './store/url';
import { type Database, openDatabase } from './store/database';
import { releaseUsername } from './store/retired-usernames';
import { lock } from './store/locks';
import { allRoutes } from './store/routes';
import { recipesDir } from './base/project';
import { childSynthesizer } from './machine/terraform/synthesizer';
import { terraformCli } from './machine/terraform/cli';
import { nginxTraffic } from './machine/nginx/nginx-traffic';
import { noTracing } from './base/tracing';

/** Every operation there is. */
export const definitions: readonly OperationDefinition[] = [
  createHosting,
  deleteHosting,
  prepareNode,
  removeNode,
  removeOrphan,
  checkDrift,
  applyStack,
  planHosting,
  planRemoval,
  ejectHosting,
  adoptHosting,
  makeSpare,
  claimSpare,
  removeSpare,
  sleepHosting,
  wakeHosting,
];

/** Opens the database, brings its schema up to date, and connects every part. Nothing runs yet. */
export async function connectParts(
  config: Config,
  log: Log,
  replace: Partial<Parts> = {},
  operationsThereAre: readonly OperationDefinition[] = definitions,
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
  const proxy = replace.proxy ?? realProxy(config, { database, box, measures });
  const parts: Parts = {
    config,
    log,
    clock: systemClock,
    database,
    queue: graphileQueue({ connectionString: url, concurrency: config.WORKER_CONCURRENCY, log }),
    secretBox: box,
    measures,
    synthesizer: childSynthesizer(),
    terraform:
      replace.terraform ??
      (await terraformCli({
        program: config.TERRAFORM_BIN,
        providerMirrorDir: config.providerMirrorDir,
        configDir: config.DATA_DIR,
      })),
    inventory: virshInventory(config.LIBVIRT_URI),
    isolation: nodeIsolation(config.LIBVIRT_URI),
    virtualization: bootTrial,
    images: imageBuilder({ recipesDir, imagesDir: config.imagesDir }),
    guest: networkGuest,
    agent: virshAgent(config.LIBVIRT_URI),
    traffic: nginxTraffic(config.nginxDir),
    nodeCare: linuxNodeCare(config.LIBVIRT_URI, path.join(config.DATA_DIR, 'run')),
    // commands are not traced, and have nothing to share
    tracing: noTracing,
    redis: null,
    proxy,
    routePublisher: routePublisher(() => publishRoutes(database, proxy, log), systemClock),
    ...replace,
  };
  const owner = processName();
  return { parts, bus, runner: operationRunner({ parts, definitions: operationsThereAre, bus, owner }) };
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
  const redis = config.REDIS_URL === undefined ? null : openRedis(config.REDIS_URL, log);
  const connected = await connectParts(config, log, { redis, ...replace });
  const { parts, bus } = connected;
  const stopReconciling = config.ROLE === 'api' ? reconcileLogs(parts).stop : await startWorking(connected);
  return {
    limiter: (name, limit) => (redis === null ? memoryLimiter(limit) : redisLimiter(name, limit, redis)),
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

/** Takes jobs and looks after things from here on. @returns stops looking; the queue is stopped apart */
export async function startWorking(engine: EngineParts): Promise<() => void> {
  const { parts, runner } = engine;
  await parts.queue.start((stackId, handover) => runner.perform(stackId, handover));
  const reconcilers: (Reconciler | null)[] = [
    reconcileServedRoutes(parts),
    reconcileFences(parts),
    reconcileExpiredLeases(parts),
    reconcileBySweeping(engine),
    reconcileDrift(parts),
    reconcileOldRecords(parts),
    reconcileLogs(parts),
    reconcileEndedSessions(parts),
    reconcileCertificates(parts),
    reconcileMeasures(parts),
    reconcileWarmPool(parts),
    keepDoors(engine),
    reconcileIdle(parts),
    reconcileTroubles(parts),
    reconcileCapacity(parts),
  ];
  const looking = reconcilers.filter((each) => each !== null);
  const reporting = reportWorker(parts, () => looking.map((each) => each.lastLook()));
  return () => {
    for (const { stop } of [...looking, reporting]) stop();
  };
}

/** One process at a time: two that publish different routes at once could leave the older ones served. */
function publishRoutes(database: Database, proxy: Parts['proxy'], log: Log): Promise<void> {
  return database.transaction(async (tx) => {
    await lock(tx, 'proxy');
    const routes = await allRoutes(tx);
    await proxy.publish(routes);
    for (const { port, holder } of await proxy.heldPorts(routes)) {
      const { username, ip } = routes.find(({ sshPort }) => sshPort === port) ?? {};
      log.warn(
        { port, holder, username, ip },
        'an SSH port is held by another program; its VM has none meanwhile',
      );
    }
  });
}

function realProxy(
  config: Config,
  { database, box, measures }: { database: Database; box: SecretBox; measures: Measures },
): Parts['proxy'] {
  return nginxProxy({
    program: config.NGINX_BIN,
    dir: config.nginxDir,
    httpPort: config.HTTP_PORT,
    baseDomain: config.BASE_DOMAIN,
    ...nginxModules(),
    user: nginxUser(),
    api:
      config.API_BACKENDS === undefined
        ? null
        : { host: config.API_HOST, port: config.API_PORT, backends: expandPorts(config.API_BACKENDS) },
    control: config.NGINX_CONTROL,
    countsVisits: config.SLEEP_AFTER_MINUTES > 0,
    findsNew: keepsSpares(config),
    clock: systemClock,
    limits: {
      headerKiB: config.HEADERS_MAX_KIB,
      uploadMiB: config.UPLOAD_MAX_MIB,
      answerSeconds: config.ANSWER_TIMEOUT_SECONDS,
      idleSeconds: config.IDLE_TIMEOUT_SECONDS,
      requestSeconds: defaultLimits.requestSeconds,
      drainSeconds: config.WEB_DRAIN_SECONDS,
      visitorConnections: config.CONNECTIONS_PER_VISITOR,
      hostingConnections: config.CONNECTIONS_PER_HOSTING,
      sshConnections: config.SSH_CONNECTIONS_PER_VISITOR,
    },
    trustedProxies: config.TRUSTED_PROXIES,
    publicHost: config.PUBLIC_HOST,
    ipv6: hasIpv6(),
    https: httpsSettings(config),
    site: () => readSite(config, box, database.direct),
    onReload: (outcome, ms) => measures.observe('nginx_reloads', { outcome }, ms / 1000),
    apiUrl: apiUrlOf(config),
    pages: serviceFacts(config),
  });
}

function httpsSettings(config: Config): HttpsSettings | null {
  const { TLS_MODE, HTTPS_PORT, API_PORT, API_HTTPS_PORT, HTTPS_REDIRECT, HSTS_SECONDS } = config;
  if (TLS_MODE === 'off') return null;
  return {
    port: HTTPS_PORT,
    api: API_HTTPS_PORT === undefined ? null : { port: API_PORT, httpsPort: API_HTTPS_PORT },
    redirect: HTTPS_REDIRECT,
    hstsSeconds: HSTS_SECONDS,
    serviceHosts: serviceHosts(config),
  };
}
