/** Operations as an operator on the machine itself looks at them: the database is asked, the service need not run. */
import type { Config } from './config';
import type { Engine, ListedOperation } from './engine';
import type { Log } from './log';
import { operations } from './operations-view';
import { withConnected } from './with-engine';

/** @throws {EngineError} database_unavailable */
export function listOperations(
  config: Config,
  log: Log,
  options: Parameters<Engine['operations']['list']>[0],
): Promise<readonly ListedOperation[]> {
  return withConnected(config, log, ({ parts, bus }) => operations(parts, bus).list(options));
}
