/** Whether each part answers, how fast, and what to do when it does not. Checks run side by side, each with its own end. */
import { countPending } from '../store/counts';
import { serverVersion } from '../store/catalog';
import { statfs } from 'node:fs/promises';
import { shared } from '../base/cached';
import type { ComponentHealth } from '../model/metrics';
import { judge, judgeVms, lookAtGround } from './health-of-ground';
import type { Parts } from '../durable';
import type { LastLook } from '../base/every';
import { judgeReconcilers, lastLooks } from './reconcilers';
import type { HeldPort } from '../machine/nginx/proxy';
import type { Redis } from '../machine/redis/redis';
import { redisVersion } from '../machine/redis/version';
import { allRoutes } from '../store/routes';
import { freshReports } from '../store/worker-reports';

export interface Health {
  /** True when requests can be accepted. */
  basic(): Promise<boolean>;
  detailed(): Promise<readonly ComponentHealth[]>;
}

/** Read once for one answer. */
type Reports = ReturnType<typeof freshReports>;

const checkTimeoutMs = 5_000;
const lowDiskBytes = 2 * 1024 ** 3;

/** Parts that a worker reaches and an API in a container does not. */
const ofWorkers = ['libvirt', 'network', 'vms', 'nginx', 'terraform', 'disk'] as const;

/** A check that answered, and says itself what is to be done. */
class Unwell extends Error {}

export function health(
  parts: Pick<
    Parts,
    'config' | 'database' | 'inventory' | 'nodeCare' | 'proxy' | 'queue' | 'redis' | 'terraform'
  >,
): Health {
  const { config, database, queue, redis } = parts;
  const ping = (): Promise<string> => serverVersion(database.direct);
  const jobs = async (): Promise<string> => {
    const waiting = await countPending(database.direct);
    return `${waiting} waiting; ${queue.working ? 'served by this process' : 'served by another process'}`;
  };
  const everywhere = (reports: Reports): Promise<readonly ComponentHealth[]> =>
    Promise.all([
      checked('postgres', 'start PostgreSQL or correct DATABASE_URL', ping),
      checked('queue', 'see postgres', jobs),
      ...(redis == null ? [] : [checkedRedis(redis)]),
      checkedReconcilers(config, reports),
    ]);

  return {
    basic: shared(() =>
      ping().then(
        () => true,
        () => false,
      ),
    ),
    detailed: async () => {
      const reports = freshReports(database.direct);
      const ofWorker = config.ROLE === 'api' ? reported(reports) : workerHealth(parts);
      return (await Promise.all([everywhere(reports), ofWorker])).flat();
    },
  };
}

function gib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

/** Of the parts that work is done with, seen from this process. */
export function workerHealth(
  parts: Pick<Parts, 'config' | 'database' | 'inventory' | 'nodeCare' | 'proxy' | 'terraform'>,
): Promise<readonly ComponentHealth[]> {
  const { config, inventory, nodeCare, terraform } = parts;
  const disk = async (): Promise<string> => {
    const { bavail, bsize } = await statfs(config.DATA_DIR);
    const free = `${gib(bavail * bsize)} free in DATA_DIR`;
    if (bavail * bsize < lowDiskBytes) throw new Unwell(`${free}: free up space`);
    const pool = await nodeCare.poolRoom(config.POOL_DIR);
    return pool === null ? free : `${free}, ${gib(pool.freeBytes)} in POOL_DIR`;
  };
  const ground = lookAtGround(parts);
  // whoever asks is told; each of them may ask late
  ground.catch(() => undefined);
  const groundOf = (part: 'libvirt' | 'network' | 'disk') => async () => judge(part, await ground);
  return Promise.all([
    checked(
      'libvirt',
      'start libvirtd or correct LIBVIRT_URI',
      () => inventory.version(),
      groundOf('libvirt'),
    ),
    checked('network', 'see libvirt', async () => (await ground, 'up'), groundOf('network')),
    checked(
      'vms',
      'see postgres',
      () => Promise.resolve(''),
      () => judgeVms(parts),
    ),
    checkedNginx(parts),
    checked('terraform', 'install Terraform or correct TERRAFORM_BIN', () => terraform.version()),
    checked('disk', 'free up space', disk, groundOf('disk')),
  ]);
}

/** The same, as the worker says that spoke last; down when none did. */
async function reported(reports: Reports): Promise<readonly ComponentHealth[]> {
  const started = performance.now();
  const [newest] = await reports.catch(() => []);
  const unknown = (name: ComponentHealth['name']): ComponentHealth => ({
    name,
    status: 'down',
    latencyMs: Math.round(performance.now() - started),
    detail: 'no worker has reported for 30 s: start one, or check its log',
  });
  if (newest === undefined) return ofWorkers.map(unknown);
  // a worker of another version may know of fewer parts
  return ofWorkers.flatMap((name) => newest.components.find((each) => each.name === name) ?? []);
}

/** A port that somebody else holds keeps one user out, and nobody else. */
async function checkedNginx({
  database,
  proxy,
}: Pick<Parts, 'database' | 'proxy'>): Promise<ComponentHealth> {
  let held: readonly HeldPort[] = [];
  const look = async (): Promise<string> => {
    const version = await proxy.version();
    // a database that is away is told by its own check
    const routes = await allRoutes(database.direct).catch(() => []);
    held = await proxy.heldPorts(routes);
    return version;
  };
  const found = await checked('nginx', 'restart the service; DATA_DIR/nginx/error.log says why', look);
  if (held.length === 0) return found;
  const ports = held.map(({ port, holder }) => `${port} by ${holder ?? 'another program'}`).join(', ');
  return {
    ...found,
    status: 'degraded',
    detail: `${found.detail}; SSH ports held by other programs, and so not served: ${ports}; webhoster doctor shows whose they are`,
  };
}

/** Everything works without it, only less shared. */
async function checkedRedis(redis: Redis): Promise<ComponentHealth> {
  const found = await checked(
    'redis',
    'start Redis or correct REDIS_URL; until then, each process counts limits on its own',
    () => redisVersion(redis),
  );
  return found.status === 'down' ? { ...found, status: 'degraded' } : found;
}

async function checkedReconcilers(config: Parts['config'], reports: Reports): Promise<ComponentHealth> {
  let looks: readonly LastLook[] | null = null;
  const read = async (): Promise<string> => ((looks = lastLooks(await reports)), '');
  // a worker in this very process has only just begun
  const judge = () =>
    looks === null && config.ROLE !== 'api'
      ? ({ status: 'ok', detail: 'none has looked yet' } as const)
      : judgeReconcilers(looks);
  return checked('reconcilers', 'see postgres', read, () => Promise.resolve(judge()));
}

/** @param look  what is wrong with it although it answers */
async function checked(
  name: ComponentHealth['name'],
  remedy: string,
  check: () => Promise<string>,
  look: () => Promise<Pick<ComponentHealth, 'status' | 'detail'> | null> = () => Promise.resolve(null),
): Promise<ComponentHealth> {
  const started = performance.now();
  const timeout = new Promise<never>((_, reject) => {
    setTimeout(() => {
      reject(new Error('no answer'));
    }, checkTimeoutMs).unref();
  });
  const answer = check().then(async (detail) => (await look()) ?? ({ status: 'ok', detail } as const));
  const found = await Promise.race([answer, timeout]).catch(
    (thrown: unknown) =>
      ({ status: 'down', detail: thrown instanceof Unwell ? thrown.message : remedy }) as const,
  );
  return { name, latencyMs: Math.round(performance.now() - started), ...found };
}
