/** Starts tracing if a receiver is configured. */
import type { Config } from './config';
import type { Log } from './log';
import { noTracing, type Tracing } from './tracing';

/** @param log  gets a line, at most once a minute, if traces cannot be sent */
export function startTracing(config: Config, log: Log): Tracing {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return noTracing;
  // not above: some megabytes, for those alone who want them. Not import(): that would want the name of the built file
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { otlpTracing } = require('./tracing-otlp') as typeof import('./tracing-otlp');
  return otlpTracing({ ...config, OTEL_EXPORTER_OTLP_ENDPOINT: config.OTEL_EXPORTER_OTLP_ENDPOINT }, log);
}
