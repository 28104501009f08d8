/** A process of the service, as ROLE asks, on the fake host of the test that starts it: see replicas.ts. */
import { startHttpServer } from '../../api/http-server';
import { loadConfig } from '../../engine/base/config';
import { createLog } from '../../engine/base/log';
import { startEngine } from '../../engine/start';
import { startTracing } from '../../engine/base/start-tracing';
import { fakeImages } from '../fakes/fake-images';
import { remoteHost } from './remote-host';

async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLog(config.LOG_LEVEL);
  const tracing = startTracing(config, log);
  const host = await remoteHost(process.env.TEST_HOST ?? '');
  const engine = await startEngine(config, log, { ...host, images: fakeImages, tracing });
  const server =
    config.ROLE === 'worker'
      ? null
      : await startHttpServer(
          { engine, config, logger: log, tracing },
          { host: '127.0.0.1', port: config.API_PORT },
        );
  process.once('SIGTERM', () => {
    void (async () => {
      await server?.close(100);
      await engine.close();
      await tracing.close();
      process.exit(0);
    })();
  });
  process.send?.('ready');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
