/**
 * Every step of every operation: fails before it did anything and after it did all, runs twice, loses its worker; and
 * every undo. The lists are the definitions', so that a new step or a new operation is covered by itself.
 */
import type { Definition } from '../../engine/stack';
import { definitions } from '../../engine/start';
import { getOperation, moveOperation } from '../../engine/store/operations';
import {
  diesAfter,
  diesBefore,
  failsAfter,
  failsBefore,
  failsOnce,
  type Fault,
  twice,
  withRun,
  withUndo,
  workWith,
} from './faulty-steps';
import { type Accepted, moreScenarios, type Scenario, scenarios } from './scenarios';
import { type Traces, tracesOf } from './traces';
import type { World } from '../worlds/world';
import { expireLeases } from './rows';

// a busy machine takes its time
let world: World;
let accepted: Accepted;
let opened: Traces;
let before: Traces;

async function status(): Promise<string> {
  return (await getOperation(world.parts.database.direct, accepted.operationId)).status;
}
const work = (definition: Definition): Promise<void> => workWith(world, accepted.stackId, definition);
/** The next worker, for whom nothing goes wrong. */
const goOn = (): Promise<void> => world.work(accepted.stackId);

/** Which thirds of the operations there are; each has a test file of its own, so that they run side by side. */
export const thirds = [0, 1, 2].map((third) => definitions.filter((_, at) => at % 3 === third));

export function testEveryStepOf(chosen: readonly Definition[]): void {
  describe.each(chosen.flatMap(casesOf))('%s', (_title, definition, scenario, only) => {
    const own = definition.steps.filter(({ name }) => only.includes(name));
    const steps = own.filter(({ run }) => run).map(({ name }) => name);
    const undos = own.filter(({ undo }) => undo).map(({ name }) => name);
    const lastStep = definition.steps.findLast(({ run }) => run)!.name;

    beforeEach(async () => {
      world = await scenario.open();
      opened = await tracesOf(world);
      await scenario.prepare(world);
      before = await tracesOf(world);
      accepted = await scenario.accept(world);
    });
    afterEach(() => world.close());

    it('succeeds', async () => {
      await goOn();
      expect(await status()).toBe('succeeded');
      await scenario.done(world, accepted, opened);
    });

    const failures: [string, Fault][] = [
      ['before it did anything', failsBefore],
      ['after it did all', failsAfter],
    ];
    describe.each(failures)('when a step fails %s', (_, fails) => {
      if (definition.onFailure === 'unwind') {
        it.each(steps)('%s: is failed, and everything is as before', async (name) => {
          await work(withRun(definition, name, fails));
          expect(await status()).toBe('failed');
          await scenario.undone(world, accepted, before);
        });
      } else {
        it.each(steps)('%s: is stuck, keeps what it owns, and goes on when it is told to', async (name) => {
          let atFailure: Traces = {};
          await work(
            withRun(
              definition,
              name,
              watching(fails, (traces) => (atFailure = traces)),
            ),
          );
          expect(await status()).toBe('stuck');
          expect(await tracesOf(world)).toEqual(atFailure);
          await moveOperation(world.parts.database.direct, accepted.operationId, 'running');
          await goOn();
          expect(await status()).toBe('succeeded');
          await scenario.done(world, accepted, opened);
        });
      }
    });

    const repetitions: [string, (name: string) => Fault][] = [
      ['twice', (name) => twice(definition, name)],
      ['again after a failure that passed', failsOnce],
    ];
    describe.each(repetitions)('when a step runs %s', (_, repeats) => {
      it.each(steps)('%s: ends as if once', async (name) => {
        await work(withRun(definition, name, repeats(name)));
        expect(await status()).toBe('succeeded');
        await scenario.done(world, accepted, opened);
      });
    });

    const deaths: [string, (world: World) => Fault][] = [
      ['before', diesBefore],
      ['after', diesAfter],
    ];
    describe.each(deaths)('when its worker dies %s a step', (_, dies) => {
      it.each(steps)('%s: the next one finishes', async (name) => {
        await work(withRun(definition, name, dies(world)));
        expect(await status()).toBe('running');
        await expireLeases(world.parts.database.direct);
        await goOn();
        expect(await status()).toBe('succeeded');
        await scenario.done(world, accepted, opened);
      });
    });

    if (undos.length === 0) return;
    const failing = withRun(definition, lastStep, failsAfter);

    it.each(undos)('undoes %s twice as if once', async (name) => {
      await work(withUndo(failing, name, twiceUndone));
      expect(await status()).toBe('failed');
      await scenario.undone(world, accepted, before);
    });

    describe.each(failures)('when an undo fails %s', (_, fails) => {
      it.each(undos)(
        '%s: is stuck, keeps what it owns, and goes on back when it is told to',
        async (name) => {
          let atFailure: Traces = {};
          await work(
            withUndo(
              failing,
              name,
              watching(fails, (traces) => (atFailure = traces)),
            ),
          );
          expect(await status()).toBe('stuck');
          expect(await tracesOf(world)).toEqual(atFailure);
          await moveOperation(world.parts.database.direct, accepted.operationId, 'unwinding');
          await goOn();
          expect(await status()).toBe('failed');
          await scenario.undone(world, accepted, before);
        },
      );
    });

    describe.each(deaths)('when its worker dies %s an undo', (_, dies) => {
      it.each(undos)('%s: the next one finishes the way back', async (name) => {
        await work(withUndo(failing, name, dies(world)));
        expect(await status()).toBe('unwinding');
        await expireLeases(world.parts.database.direct);
        await goOn();
        expect(await status()).toBe('failed');
        await scenario.undone(world, accepted, before);
      });
    });
  });
}

/** Every step in the scenario of its kind, but for those that may be passed over: they have scenarios in which they are not. */
function casesOf(definition: Definition): (readonly [string, Definition, Scenario, readonly string[]])[] {
  const { kind } = definition;
  const more = moreScenarios.filter((each) => each.kind === kind);
  const named = (steps: Definition['steps']): string[] => steps.map(({ name }) => name);
  const elsewhere = more.flatMap(({ steps }) => steps);
  for (const name of named(definition.steps.filter(({ when }) => when)))
    if (!elsewhere.includes(name)) throw new Error(`${kind}: no scenario takes ${name}`);
  return [
    [kind, definition, scenarios[kind], named(definition.steps.filter(({ when }) => !when))],
    ...more.map(({ title, scenario, steps }) => [title, definition, scenario, steps] as const),
  ];
}

const twiceUndone: Fault = (undo) => async (context) => {
  await undo(context);
  await undo(context);
};

/** Tells what there was at each failure. */
function watching(fails: Fault, tell: (traces: Traces) => void): Fault {
  return (act) => async (context) => {
    try {
      return await fails(act)(context);
    } finally {
      tell(await tracesOf(world));
    }
  };
}
