/** The service's process: engine and HTTP, as ROLE asks. Ends cleanly on SIGTERM and SIGINT. */
import { createLog, EngineError, landingPage, loadConfig, startEngine, startTracing } from '../engine';
import { startHttpServer } from './http-server';

async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLog(config.LOG_LEVEL);
  const tracing = startTracing(config, log);
  const engine = await startEngine(config, log, { tracing });
  const server =
    config.ROLE === 'worker'
      ? null
      : await startHttpServer(
          { engine, config, logger: log, tracing, landingPage: landingPage(config) },
          { host: config.API_HOST, port: config.API_PORT },
        );
  log.info({ role: config.ROLE, port: server?.port }, 'started');

  const stop = async (signal: string): Promise<void> => {
    log.info({ signal }, 'stopping');
    // the server first: requests that wait are still answered from the engine
    await server?.close();
    await engine.close();
    await tracing.close();
    log.info('stopped');
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop(signal).then(
        () => process.exit(0),
        (err: unknown) => {
          log.error({ err }, 'stop failed');
          process.exit(1);
        },
      );
    });
  }
}

main().catch((error: unknown) => {
  if (error instanceof EngineError) console.error(error.message, error.cause ?? '');
  else console.error(error);
  process.exit(1);
});
