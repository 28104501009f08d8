/** The HTTP interface on its own port beside the real Nginx of an HttpsWorld. */
import { accounts } from '../../engine/accounts/accounts';
import { personalTokens } from '../../engine/accounts/personal-tokens';
import { audit } from '../../engine/audit';
import { domains } from '../../engine/domains';
import { drift } from '../../engine/drift';
import type { Engine } from '../../engine/engine';
import { health } from '../../engine/health';
import { hostings } from '../../engine/hostings';
import { memoryLimiter } from '../../engine/limits';
import { metrics } from '../../engine/metrics';
import { operations } from '../../engine/operations-view';
import { plans } from '../../engine/plans';
import { runs } from '../../engine/runs';
import { type HttpServer, startHttpServer } from '../../api/http-server';
import type { HttpsWorld } from './https-world';

/** Listens on this machine alone, as docs/https.md says. @param port  API_PORT, or that of a replica behind Nginx */
export function serveApi({ parts, bus, config }: HttpsWorld, port = config.API_PORT): Promise<HttpServer> {
  const { database } = parts;
  const engine: Engine = {
    limiter: (_, limit) => memoryLimiter(limit),
    accounts: accounts(database, config),
    tokens: personalTokens(database),
    audit: audit(database),
    hostings: hostings(parts),
    domains: domains(parts),
    operations: operations(parts, bus),
    plans: plans(parts),
    runs: runs(parts, bus),
    drift: drift(parts),
    metrics: metrics(parts),
    health: health(parts),
    close: () => Promise.resolve(),
  };
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined } as never;
  return startHttpServer({ engine, config, logger }, { host: '127.0.0.1', port });
}
