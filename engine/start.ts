/** Puts the real parts together. Tests put fakes in the place of some of them. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { accounts } from './accounts/accounts';
import { systemClock } from './clock';
import type { Config } from './config';
import type { Engine } from './engine';
import type { EngineParts } from './engine-parts';
import { postgresEventBus } from './events';
import { networkGuest } from './guest/network-guest';
import { health } from './health';
import { hostings } from './hostings';
import { imageBuilder } from './images/builder';
import { virshInventory } from './libvirt/virsh';
import { virshAgent } from './libvirt/virsh-agent';
import { bootTrial } from './libvirt/virtualization';
import type { Log } from './log';
import { metrics } from './metrics';
import { drift } from './drift';
import { operations } from './operations-view';
import { adoptHosting } from './operations/adopt-hosting';
import { applyStack } from './operations/apply-stack';
import { checkDrift } from './operations/check-drift';
import { claimSpare } from './operations/claim-spare';
import { createHosting } from './operations/create-hosting';
import { deleteHosting } from './operations/delete-hosting';
import { ejectHosting } from './operations/eject-hosting';
import { makeSpare } from './operations/make-spare';
import type { OperationDefinition } from './operations/operation';
import { planHosting } from './operations/plan-hosting';
import { planRemoval } from './operations/plan-removal';
import { prepareNode } from './operations/prepare-node';
import { removeNode } from './operations/remove-node';
import { removeOrphan } from './operations/remove-orphan';
import { removeSpare } from './operations/remove-spare';
import { operationRunner } from './operations/runner';
import type { Parts } from './parts';
import { plans } from './plans';
import { nginxProxy } from './proxy/nginx';
import { routePublisher } from './proxy/publisher';
import { graphileQueue, migrateQueue } from './queue/graphile';
import { reconcileDrift } from './reconcilers/drift';
import { reconcileExpiredLeases } from './reconcilers/expired-leases';
import { reconcileOldRuns } from './reconcilers/old-runs';
import { reconcileServedRoutes } from './reconcilers/served-routes';
import { reconcileBySweeping } from './reconcilers/sweep';
import { reconcileWarmPool } from './reconcilers/warm-pool';
import { runs } from './runs';
import { secretBox } from './secret-box';
import { databaseUrl } from './store/url';
import { type Database, openDatabase } from './store/database';
import { allRoutes } from './store/routes';
import { recipesDir } from './project';
import { childSynthesizer } from './terraform/synthesizer';
import { terraformCli } from './terraform/cli';

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
  const proxy = replace.proxy ?? realProxy(config);
  const parts: Parts = {
    config,
    log,
    clock: systemClock,
    database,
    queue: graphileQueue({ connectionString: url, concurrency: config.WORKER_CONCURRENCY, log }),
    secretBox: secretBox(config.STATE_KEY),
    synthesizer: childSynthesizer(),
    terraform:
      replace.terraform ??
      (await terraformCli({
        program: config.TERRAFORM_BIN,
        providerMirrorDir: config.providerMirrorDir,
        configDir: config.DATA_DIR,
      })),
    inventory: virshInventory(config.LIBVIRT_URI),
    virtualization: bootTrial,
    images: imageBuilder({ recipesDir, imagesDir: config.imagesDir }),
    guest: networkGuest,
    agent: virshAgent(config.LIBVIRT_URI),
    proxy,
    routePublisher: routePublisher(() => publishRoutes(database, proxy), systemClock),
    ...replace,
  };
  const owner = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  return { parts, bus, runner: operationRunner({ parts, definitions: operationsThereAre, bus, owner }) };
}

/** Starts what the role asks for. */
export async function startEngine(config: Config, log: Log, replace: Partial<Parts> = {}): Promise<Engine> {
  const connected = await connectParts(config, log, replace);
  const { parts, bus } = connected;
  const stopReconciling = config.ROLE === 'api' ? null : await startWorking(connected);
  return {
    accounts: accounts(parts.database, config),
    hostings: hostings(parts),
    operations: operations(parts, bus),
    plans: plans(parts),
    runs: runs(parts, bus),
    drift: drift(parts),
    metrics: metrics(parts),
    health: health(parts),
    close: async () => {
      stopReconciling?.();
      await parts.queue.stop();
      await bus.close();
      await parts.database.close();
    },
  };
}

/** Takes jobs and looks after things from here on. @returns stops looking; the queue is stopped apart */
export async function startWorking(engine: EngineParts): Promise<() => void> {
  const { parts, runner } = engine;
  await parts.queue.start((stackId, handover) => runner.perform(stackId, handover));
  const reconcilers = [
    reconcileServedRoutes(parts),
    reconcileExpiredLeases(parts),
    reconcileBySweeping(engine),
    reconcileDrift(parts),
    reconcileOldRuns(parts),
    reconcileWarmPool(parts),
  ];
  return () => {
    for (const stop of reconcilers) stop();
  };
}

/** One process at a time: two that publish different routes at once could leave the older ones served. */
function publishRoutes(database: Database, proxy: Parts['proxy']): Promise<void> {
  return database.transaction(async (tx) => {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtext('vm-webhoster proxy'))`);
    await proxy.publish(await allRoutes(tx));
  });
}

function realProxy(config: Config): Parts['proxy'] {
  const apiUrl = `http://${config.PUBLIC_HOST}:${config.API_PORT}`;
  const port = (value: number): string => (value === 80 ? '' : `:${value}`);
  return nginxProxy({
    program: config.NGINX_BIN,
    dir: config.nginxDir,
    httpPort: config.HTTP_PORT,
    baseDomain: config.BASE_DOMAIN,
    streamModule: ['/usr/lib/nginx/modules/ngx_stream_module.so'].find((file) => existsSync(file)) ?? null,
    user: process.getuid?.() === 0 ? 'www-data' : null,
    clock: systemClock,
    pages: {
      apiUrl,
      docsUrl: `${apiUrl}/docs`,
      healthUrl: `${apiUrl}/api/v1/health`,
      baseDomain: config.BASE_DOMAIN,
      httpUrl: `http://${config.PUBLIC_HOST}${port(config.HTTP_PORT)}`,
    },
  });
}
