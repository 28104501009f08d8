/** A process of the service, as ROLE asks, on the fake host of the test that starts it: see typescript.cjs. */
import { startHttpServer } from '../../api/http-server';
import { loadConfig } from '../../engine/config';
import { createLog } from '../../engine/log';
import { startEngine } from '../../engine/start';
import { fakeImages } from '../fakes/fake-images';
import { remoteHost } from './remote-host';

async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLog(config.LOG_LEVEL);
  const host = await remoteHost(process.env.TEST_HOST ?? '');
  const engine = await startEngine(config, log, { ...host, images: fakeImages });
  if (config.ROLE === 'api')
    await startHttpServer({ engine, config, logger: log }, { host: '127.0.0.1', port: config.API_PORT });
  process.send?.('ready');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
