/** Operations as an operator on the machine itself looks at them: the database is asked, the service need not run. */
import type { Config } from './config';
import type { Engine, ListedOperation } from './engine';
import type { Log } from './log';
import { operations } from './operations-view';
import { connectParts } from './start';

/** @throws {EngineError} database_unavailable */
export async function listOperations(
  config: Config,
  log: Log,
  options: Parameters<Engine['operations']['list']>[0],
): Promise<readonly ListedOperation[]> {
  const { parts, bus } = await connectParts(config, log);
  try {
    return await operations(parts, bus).list(options);
  } finally {
    await bus.close();
    await parts.database.close();
  }
}
