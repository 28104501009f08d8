/** The engine for one command, with or without a service that runs beside it. */
import type { Config } from '../base/config';
import type { EngineParts, Parts } from '../durable';
import type { Log } from '../base/log';
import { startPostgres, stopPostgres } from '../store/postgres';
import { connectParts } from '../start';

export interface OpenEngine {
  readonly engine: EngineParts;
  /** Writes what was measured, lets go of the database, and stops the PostgreSQL that was started for this. */
  close(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL when it is down; whoever closes stops it again.
 *
 * @throws {EngineError} database_unavailable; nothing that was started is left running
 */
export async function openEngine(config: Config, log: Log): Promise<OpenEngine> {
  const started = await startPostgres(config);
  const stop = async (): Promise<void> => {
    if (started) await stopPostgres(config);
  };
  try {
    const { engine, close } = await openConnected(config, log);
    return { engine, close: () => close().finally(stop) };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** Takes PostgreSQL for running. */
async function openConnected(config: Config, log: Log, replace?: Partial<Parts>): Promise<OpenEngine> {
  const engine = await connectParts(config, log, replace);
  const { database, measures } = engine.parts;
  const close = async (): Promise<void> => {
    // what a command did counts as what the service does; what cannot be written is lost, as there
    await measures.flush(database.direct).catch((err: unknown) => {
      log.warn({ err }, 'measures could not be written');
    });
    await engine.bus.close();
    await database.close();
  };
  return { engine, close };
}

/** @throws {EngineError} database_unavailable, or what `work` throws */
export async function withEngine<T>(
  config: Config,
  log: Log,
  work: (engine: EngineParts) => Promise<T>,
): Promise<T> {
  return closing(await openEngine(config, log), work);
}

/**
 * Takes PostgreSQL for running.
 *
 * @param replace  parts that are not to be the real ones
 * @throws {EngineError} database_unavailable, or what `work` throws
 */
export async function withConnected<T>(
  config: Config,
  log: Log,
  work: (engine: EngineParts) => Promise<T>,
  replace?: Partial<Parts>,
): Promise<T> {
  return closing(await openConnected(config, log, replace), work);
}

async function closing<T>(
  { engine, close }: OpenEngine,
  work: (engine: EngineParts) => Promise<T>,
): Promise<T> {
  try {
    return await work(engine);
  } finally {
    await close();
  }
}
