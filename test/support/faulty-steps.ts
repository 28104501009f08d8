/** Operations in which one step, or one undo, goes wrong in a planned way; and workers that run them. */
import { EngineError } from '../../engine/base/errors';
import { operationRunner, type StepContext } from '../../engine/durable';
import { type Definition, type Ports, stackWork } from '../../engine/stack';
import { definitions } from '../../engine/start';
import type { World } from '../worlds/world';
import { loseLease } from './rows';

export type Act = (context: StepContext<Ports>) => Promise<unknown>;
/** What is done in the place of a step or of an undo. */
export type Fault = (act: Act) => Act;

export function withRun(definition: Definition, name: string, fault: Fault): Definition {
  return {
    ...definition,
    steps: definition.steps.map((step) =>
      step.name === name && step.run ? { ...step, run: fault(step.run) } : step,
    ),
  };
}

export function withUndo(definition: Definition, name: string, fault: Fault): Definition {
  return {
    ...definition,
    steps: definition.steps.map((step) => {
      if (step.name !== name || !step.undo) return step;
      const undo = fault(step.undo);
      return { ...step, undo: async (context: StepContext<Ports>) => void (await undo(context)) };
    }),
  };
}

export const planned = new EngineError('internal', 'planned failure');

export const failsBefore: Fault = () => () => Promise.reject(planned);

export const failsAfter: Fault = (act) => async (context) => {
  await act(context);
  throw planned;
};

/** Once, with a failure that may pass, when all is done. */
export const failsOnce = (): Fault => {
  let failed = false;
  return (act) => async (context) => {
    const output = await act(context);
    if (failed) return output;
    failed = true;
    throw new EngineError('libvirt_unavailable', 'planned failure', { retryable: true });
  };
};

/** A step that says where it begins again is not repeated alone. */
export function twice({ steps }: Definition, name: string): Fault {
  const last = steps.findIndex((step) => step.name === name);
  const first = steps.findIndex((step) => step.name === (steps[last]?.restartAt ?? name));
  return (act) => async (context) => {
    await act(context);
    for (const step of steps.slice(first, last)) await step.run?.({ ...context, resumed: true });
    return act(context);
  };
}

/** The worker is gone at this moment: another one has the stack, and this one does nothing more. */
export const diesBefore =
  (world: World): Fault =>
  () =>
  async ({ stackId }) => {
    await loseLease(world.parts.database.direct, stackId);
    throw new EngineError('lease_lost', 'planned death');
  };

/** The worst moment: all is done, and nothing says so. */
export const diesAfter =
  (world: World): Fault =>
  (act) =>
  async (context) => {
    const output = await act(context);
    await loseLease(world.parts.database.direct, context.stackId);
    return output;
  };

/** A worker that knows this definition in the place of the one of its kind. */
export async function workWith(world: World, stackId: string, definition: Definition): Promise<void> {
  const runner = operationRunner({
    parts: world.parts,
    ...stackWork(world.parts),
    definitions: definitions.map((each) => (each.kind === definition.kind ? definition : each)),
    bus: world.bus,
    owner: 'faulty',
  });
  await runner.perform(stackId, new AbortController().signal);
}
