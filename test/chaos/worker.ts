/**
 * The service's worker, with one difference: around every step it looks whether its death, or its freezing, is planned
 * for this point. Compiled, a process of its own, one operation at a time.
 */
import { loadConfig } from '../../engine/base/config';
import { EngineError } from '../../engine/base/errors';
import { createLog } from '../../engine/base/log';
import type { Step as AnyStep, StepContext as AnyContext } from '../../engine/durable';
import type { Definition, Ports } from '../../engine/stack';
import { connectParts, definitions, startWorking } from '../../engine/start';
import { getOwnedHosting } from '../../engine/store/hostings';
import { type Fault, isChaotic, type Moment, noteFired, type Point, takeFault } from './faults';

type Step = AnyStep<Ports>;
type StepContext = AnyContext<Ports>;
type Body<T> = (context: StepContext) => Promise<T>;
type Place = Pick<Point, 'operation' | 'step' | 'way'>;

const faultsDir = process.env.CHAOS_DIR ?? '';
const userIds = new Map<string, number>();

async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLog(config.LOG_LEVEL);
  const { parts, bus, runner } = await connectParts(config, log, {}, definitions.map(withFaults));
  const stopReconciling = await startWorking({ parts, bus, runner });
  log.info('worker takes jobs');
  const stop = async (): Promise<void> => {
    stopReconciling();
    await parts.queue.stop();
    await bus.close();
    await parts.database.close();
  };
  process.once('SIGTERM', () => {
    stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}

function withFaults(definition: Definition): Definition {
  const operation = definition.kind;
  if (!isChaotic(operation)) return definition;
  const steps = definition.steps.map(({ run, undo, ...step }): Step => ({
    ...step,
    ...(run && { run: around({ operation, step: step.name, way: 'do' }, run) }),
    ...(undo && { undo: around({ operation, step: step.name, way: 'undo' }, undo) }),
  }));
  return { ...definition, steps };
}

function around<T>(place: Place, body: Body<T>): Body<T> {
  return async (context) => {
    const userId = await userOf(context);
    const take = (moment: Moment): Fault | null =>
      (context.resumed ? takeFault(faultsDir, userId, { ...place, moment, resumed: true }) : null) ??
      takeFault(faultsDir, userId, { ...place, moment });
    const happen = (fault: Fault | null): void => {
      if (fault) act(userId, fault);
    };
    happen(take('before'));
    let pending = take('during');
    const timer = setTimeout(() => {
      const fault = pending;
      pending = null;
      happen(fault);
    }, pending?.delayMs ?? 0);
    try {
      const result = await body(context);
      happen(take('after'));
      return result;
    } finally {
      clearTimeout(timer);
      // the step was over sooner
      happen(pending);
    }
  };
}

function act(userId: number, fault: Fault): void {
  noteFired(faultsDir, userId, fault);
  if (fault.act === 'kill') process.kill(process.pid, 'SIGKILL');
  // goes on here after SIGCONT, as if nothing had happened
  else if (fault.act === 'freeze') process.kill(process.pid, 'SIGSTOP');
  else throw new EngineError('internal', 'An internal error occurred', { cause: new Error('planned') });
}

async function userOf({ ports, stackId }: StepContext): Promise<number> {
  const known = userIds.get(stackId) ?? (await getOwnedHosting(ports.database.direct, stackId)).userId;
  userIds.set(stackId, known);
  return known;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
