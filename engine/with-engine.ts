/** The engine for one command, with or without a service that runs beside it. */
import type { Config } from './config';
import type { EngineParts } from './engine-parts';
import type { Log } from './log';
import { startPostgres, stopPostgres } from './postgres';
import { connectParts } from './start';

/**
 * Starts the embedded PostgreSQL when it is down, and stops it again at the end.
 *
 * @throws {EngineError} database_unavailable, or what `work` throws
 */
export async function withEngine<T>(
  config: Config,
  log: Log,
  work: (engine: EngineParts) => Promise<T>,
): Promise<T> {
  const started = await startPostgres(config);
  try {
    return await withConnected(config, log, work);
  } finally {
    if (started) await stopPostgres(config);
  }
}

/** Takes PostgreSQL for running. @throws {EngineError} database_unavailable, or what `work` throws */
export async function withConnected<T>(
  config: Config,
  log: Log,
  work: (engine: EngineParts) => Promise<T>,
): Promise<T> {
  const engine = await connectParts(config, log);
  try {
    return await work(engine);
  } finally {
    await engine.bus.close();
    await engine.parts.database.close();
  }
}
