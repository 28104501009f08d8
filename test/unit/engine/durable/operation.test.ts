import { z } from 'zod';
import type { StepContext } from '../../../../engine/durable/definition';
import { oneWay, wordsFor } from '../../../../engine/durable/operation';

interface Ports {
  readonly disk: { write(text: string): Promise<string> };
  readonly bell: { ring(): Promise<void> };
}
const { operation, steps } = wordsFor<Ports>();
const head = { kind: 'plan-apply', needs: ['disk'], onFailure: 'unwind', onRemoval: 'wait' } as const;
const written: string[] = [];
const ports: Ports = {
  disk: { write: (text) => Promise.resolve(`${written.push(text)}: ${text}`) },
  bell: { ring: () => Promise.resolve() },
};

beforeEach(() => {
  written.length = 0;
});

/** As the runner has it. */
function context(input: Record<string, unknown> = {}, outputs: Record<string, unknown> = {}) {
  const all: Partial<StepContext<Ports>> = {
    ...{ operationId: 'o', stackId: 's', input, resumed: false, failure: null, ports },
    outputs: new Map(Object.entries(outputs)),
  };
  return all as StepContext<Ports>;
}

it('a step gets its input, the outputs of the steps before it, and the ports it named', async () => {
  const seen: unknown[] = [];
  const { steps: made } = operation({ ...head, input: z.object({ name: z.string() }) })
    .step('first', { do: () => Promise.resolve({ size: 3 }) })
    .step('second', {
      do: async ({ input, disk, ...others }, { first }) => {
        seen.push(Object.keys(others).sort());
        return disk.write(`${input.name} ${first.size}`);
      },
    });
  expect(made.map(({ name }) => name)).toEqual(['first', 'second']);
  expect(await made[1]!.run!(context({ name: 'a' }, { first: { size: 3 } }))).toBe('1: a 3');
  expect(seen).toEqual([
    ['failure', 'log', 'operationId', 'report', 'resumed', 'signal', 'stackId', 'write'],
  ]);
});

it('a step reads an older input, and does not begin with one that it cannot read', async () => {
  const input = z.object({ force: z.boolean().default(false) });
  const undo = jest.fn(() => Promise.resolve());
  const { steps: made } = operation({ ...head, input }).step('only', {
    do: (given) => Promise.resolve(given.input),
    undo,
  });
  expect(await made[0]!.run!(context({ scheduled: true }))).toEqual({ force: false });
  await expect(async () => made[0]!.run!(context({ force: 'yes' }))).rejects.toThrow(z.ZodError);
  await expect(async () => made[0]!.undo!(context({ force: 'yes' }))).rejects.toThrow(z.ZodError);
  expect(undo).not.toHaveBeenCalled();
});

it('a definition keeps where a step restarts, and that accepting did the first one', () => {
  const { steps: made } = operation({ ...head, input: z.object({}) })
    .step('reserve', { undo: () => Promise.resolve() })
    .step('plan', { do: () => Promise.resolve() })
    .step('apply', { do: () => Promise.resolve(), restartAt: 'plan' });
  expect(made.map(({ run }) => run !== undefined)).toEqual([false, true, true]);
  expect(made[2]?.restartAt).toBe('plan');
});

describe('steps of several operations', () => {
  const waking = steps({ input: z.object({ cold: z.boolean().default(false) }), needs: ['disk'] })
    .step('room', { do: ({ input, disk }) => disk.write(input.cold ? 'cold' : 'warm') })
    .step('start', { do: (_, { room }) => Promise.resolve(room), undo: () => Promise.resolve() });
  const begun = operation({ ...head, input: z.object({}) }).step('look', {
    do: () => Promise.resolve({ asleep: true }),
  });
  const whole = begun
    .include(waking, { when: (_, { look }) => Promise.resolve(look.asleep) })
    .step('end', { do: () => Promise.resolve() });

  it('included steps are steps like the others, with their own input', async () => {
    expect(whole.steps.map(({ name }) => name)).toEqual(['look', 'room', 'start', 'end']);
    const room = whole.steps[1]!.run!;
    expect(await room(context({}, { look: { asleep: true } }))).toBe('1: warm');
    expect(await room(context({ cold: true }, { look: { asleep: true } }))).toBe('2: cold');
  });

  it.each([true, false])('included steps run depending on what an earlier step found: %s', async (asleep) => {
    const asked = whole.steps.map((step) => step.when?.(context({}, { look: { asleep } })));
    expect(await Promise.all(asked)).toEqual([undefined, asleep, asleep, undefined]);
  });

  it('nested included steps run only if every level wants them', async () => {
    const nested = steps({ input: z.object({}), needs: ['disk'] }).include(waking, {
      when: () => Promise.resolve(false),
    });
    const outer = begun.include(nested, { when: () => Promise.resolve(true) });
    expect(await outer.steps[1]!.when!(context())).toBe(false);
  });

  it('included steps without a condition always run', () => {
    expect(begun.include(waking).steps.map(({ when }) => when)).toEqual([undefined, undefined, undefined]);
  });

  it('included steps can be made one-way', () => {
    expect(waking.steps.map(({ undo }) => undo !== undefined)).toEqual([false, true]);
    expect(oneWay(waking).steps.map(({ undo }) => undo !== undefined)).toEqual([false, false]);
  });
});

it('a step’s output is found in its record', () => {
  const made = operation({ ...head, input: z.object({}) })
    .step('look', { do: () => Promise.resolve({ news: true }) })
    .noNewsIf(({ look }) => !look.news);
  expect(made.outputIn([{ name: 'look', output: { news: false } }], 'look')?.news).toBe(false);
  expect(made.outputIn([], 'look')).toBeNull();
  expect(made).toMatchObject({ kind: 'plan-apply', isNoNews: expect.any(Function) });
});

/** Compiled, and never called. */
export function mistakes(): void {
  const begin = operation({ ...head, input: z.object({ name: z.string() }) });
  const text = (given: string): Promise<string> => Promise.resolve(given);
  // @ts-expect-error a step that is not there yet
  begin.step('a', { do: ({ disk }) => disk.write(''), restartAt: 'b' });
  // @ts-expect-error a port that was not named
  begin.step('a', { do: ({ bell }) => bell.ring() });
  // @ts-expect-error nor in an undo
  begin.step('a', { undo: ({ bell }) => bell.ring() });
  // @ts-expect-error the output of a later step
  begin.step('a', { do: (_, { later }) => later });
  // @ts-expect-error another type than the step returned
  begin.step('a', { do: () => Promise.resolve(1) }).step('b', { do: (_, { a }) => text(a) });
  // @ts-expect-error a name twice
  begin.step('a', { do: () => Promise.resolve(1) }).step('a', { do: () => Promise.resolve(2) });
  // @ts-expect-error what the input has not
  begin.step('a', { do: ({ input }) => text(input.other) });
  const shown = (a: string | { skipped: true }): Promise<string> => text(typeof a === 'string' ? a : 'none');
  begin.include(shared()).step('b', { do: (_, { a }) => shown(a) });
  // @ts-expect-error what such a step need not have returned
  begin.include(shared(), { when: () => Promise.resolve(true) }).step('b', { do: (_, { a }) => text(a) });
  const loud = steps({ input: z.object({}), needs: ['bell'] }).step('a', { do: ({ bell }) => bell.ring() });
  // @ts-expect-error a name twice, the second time in a list
  begin.step('a', { do: () => Promise.resolve(1) }).include(shared());
  // @ts-expect-error steps that need more than the operation has named
  begin.include(loud);
  // @ts-expect-error the output of a step that there is not
  begin.outputIn([], 'a');
}

function shared() {
  return steps({ input: z.object({}), needs: [] }).step('a', { do: () => Promise.resolve('') });
}
