/** The HTTP interface on its own port beside the real Nginx of an HttpsWorld. */
import type { Engine } from '../../engine/engine';
import { memoryLimiter } from '../../engine/base/limits';
import { answersOf } from '../../engine/start';
import { type HttpServer, startHttpServer } from '../../api/http-server';
import type { HttpsWorld } from './https-world';

/** Listens on this machine alone, as docs/https.md says. @param port  API_PORT, or that of a replica behind Nginx */
export function serveApi(world: HttpsWorld, port = world.config.API_PORT): Promise<HttpServer> {
  const { config } = world;
  const engine: Engine = {
    ...answersOf(world),
    limiter: (_, limit) => memoryLimiter(limit),
    close: () => Promise.resolve(),
  };
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined } as never;
  return startHttpServer({ engine, config, logger }, { host: '127.0.0.1', port });
}
