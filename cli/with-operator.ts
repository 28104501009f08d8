/** Opens what an operator works with on this machine, and closes it whatever happens. */
import { createLog, loadConfig, openOperator, type Operator } from '../engine';
import { untilStopped } from './until-stopped';

export async function withOperator<T>(
  work: (operator: Operator, stop: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = untilStopped();
  const operator = await openOperator(loadConfig(), createLog(process.env.LOG_LEVEL ?? 'fatal'), stop);
  try {
    return await work(operator, stop);
  } finally {
    await operator.close();
  }
}
