import type { Redis } from 'ioredis';

/** e.g. `Redis 7.0.15`. @throws when it does not answer */
export async function redisVersion(client: Redis): Promise<string> {
  const info = await client.info('server');
  return `Redis ${/^redis_version:(\S+)/m.exec(info)?.[1] ?? 'of unknown version'}`;
}
