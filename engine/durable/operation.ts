/**
 * Writing an operation down: its steps in order, each with its undo beside it.
 *
 *     operation({ kind, input, needs: ['stack'], onFailure: 'unwind', onRemoval: 'wait' })
 *       .step('plan', { do: ({ stack }) => stack.plan() })
 *       .step('apply', { do: ({ stack }, { plan }) => stack.apply(plan), restartAt: 'plan' });
 *
 * What a step returns is typed for the steps behind it. A step has the ports that its operation named and no others.
 * Its input is parsed whenever a step begins: another version of the service may have accepted the operation, so a
 * schema must go on reading what earlier ones wrote, by defaults.
 */
import type { z } from 'zod';
import type { OperationKind } from '../model/operation';
import {
  type Basics,
  type OnRemoval,
  type OperationDefinition,
  type Skipped,
  type Step,
  type StepContext,
} from './definition';

export interface StepsHead<Needs, Schema extends z.ZodType> {
  readonly input: Schema;
  /** Ports that its steps have. */
  readonly needs: readonly Needs[];
}

export interface OperationHead<Needs, Schema extends z.ZodType> extends StepsHead<Needs, Schema> {
  readonly kind: OperationKind;
  readonly onFailure: OperationDefinition<never>['onFailure'];
  readonly onRemoval: OnRemoval;
  readonly lane?: OperationDefinition<never>['lane'];
  readonly background?: OperationDefinition<never>['background'];
}

type AnyHead<Ports> = StepsHead<keyof Ports, z.ZodType>;

/** What a step is given. */
export type Given<Ports, Needs extends keyof Ports, Input = unknown> = Basics<Input> & Pick<Ports, Needs>;

type GivenBy<Ports, Head extends AnyHead<Ports>> = Given<
  Ports,
  Head['needs'][number],
  z.output<Head['input']>
>;

export interface Doing<Context, Done, Output> {
  /** Returns what later steps need, as JSON. Absent where accepting the operation already did it. */
  readonly do?: (context: Context, done: Readonly<Done>) => Promise<Output>;
  readonly undo?: (context: Context) => Promise<void>;
  /** Where to begin again when a worker died in this step or it is tried again. @default the step itself */
  readonly restartAt?: keyof Done & string;
}

/** Steps in order; each call returns one list more. */
export type Steps<Ports, Head extends AnyHead<Ports>, Done> = Head & Chain<Ports, Head, Done>;

interface Chain<Ports, Head extends AnyHead<Ports>, Done> {
  readonly steps: readonly Step<Ports>[];
  /** Never there; carries the type of what the steps return. */
  readonly outputs?: Done;
  step<Name extends string, Output>(
    name: Name extends keyof Done ? never : Name,
    doing: Doing<GivenBy<Ports, Head>, Done, Output>,
  ): Steps<Ports, Head, Done & { readonly [N in Name]: Output }>;
  /**
   * Steps that several operations share, recorded, retried and timed like its own; they read the same input.
   *
   * @param when  asked before each of them: one is passed over where it says no, and has nothing to undo then. What the
   * steps do must not change the answer before the last of them is done. @default always
   */
  include<Theirs>(
    list: Includable<Ports, Head, Theirs> & NewNames<Theirs, Done>,
    options?: { readonly when: (context: GivenBy<Ports, Head>, done: Readonly<Done>) => Promise<boolean> },
  ): Steps<Ports, Head, Done & { readonly [N in keyof Theirs]: Theirs[N] | Skipped }>;
  /** Which of those that nobody asked for are not worth a record when they have succeeded. */
  noNewsIf(judge: (done: Readonly<Done>) => boolean): Steps<Ports, Head, Done>;
  /** What a step returned, from the record; null where it has not. */
  outputIn<Name extends keyof Done & string>(recorded: readonly Recorded[], name: Name): Done[Name] | null;
}

/** A name stands for one step. */
type NewNames<Theirs, Done> = [keyof Theirs & keyof Done] extends [never] ? unknown : never;

interface Recorded {
  readonly name: string;
  readonly output: unknown;
}

/** A list may need no more than what includes it. */
interface Includable<Ports, Head extends AnyHead<Ports>, Theirs> {
  readonly needs: readonly Head['needs'][number][];
  readonly steps: readonly Step<Ports>[];
  readonly outputs?: Theirs;
}

/** The two ways to begin, for ports of one world. */
export interface Words<Ports> {
  operation<Schema extends z.ZodType, const Needs extends keyof Ports>(
    head: OperationHead<Needs, Schema>,
  ): Steps<Ports, OperationHead<Needs, Schema>, object>;
  /** For operations to include. Their input is what their own schema reads from the operation's. */
  steps<Schema extends z.ZodType, const Needs extends keyof Ports>(
    head: StepsHead<Needs, Schema>,
  ): Steps<Ports, StepsHead<Needs, Schema>, object>;
}

export function wordsFor<Ports extends object>(): Words<Ports> {
  return {
    operation: (head) => chain(head, []),
    steps: (head) => chain(head, []),
  };
}

/** Without their undos: what they have done stays done where the operation that includes them unwinds. */
export function oneWay<List extends { readonly steps: readonly Step<never>[] }>(list: List): List {
  return { ...list, steps: list.steps.map(({ undo: _, ...step }) => step) };
}

function chain<Ports extends object, Head extends AnyHead<Ports>, Done>(
  head: Head,
  steps: readonly Step<Ports>[],
): Steps<Ports, Head, Done> {
  type Context = GivenBy<Ports, Head>;
  const given = (context: StepContext<Ports>): Context => givenTo(head, context) as Context;
  const doneIn = (context: StepContext<Ports>): Done => Object.fromEntries(context.outputs) as Done;

  const runnable = (
    name: string,
    { do: act, undo, restartAt }: Doing<Context, Done, unknown>,
  ): Step<Ports> => ({
    name,
    ...(act && { run: (context) => act(given(context), doneIn(context)) }),
    ...(undo && { undo: (context) => undo(given(context)) }),
    ...(restartAt !== undefined && { restartAt }),
  });
  const conditional = (
    step: Step<Ports>,
    when: (context: Context, done: Done) => Promise<boolean>,
  ): Step<Ports> => ({
    ...step,
    when: async (context) =>
      (await when(given(context), doneIn(context))) && ((await step.when?.(context)) ?? true),
  });

  const next: Chain<Ports, Head, Done> = {
    steps,
    step: (name, doing) => chain(head, [...steps, runnable(name, doing)]),
    include: (list, options) =>
      chain(head, [
        ...steps,
        ...list.steps.map((step) => (options === undefined ? step : conditional(step, options.when))),
      ]),
    noNewsIf: (judge) => chain({ ...head, isNoNews: judge }, steps),
    outputIn: (recorded, name) =>
      (recorded.find((each) => each.name === name)?.output ?? null) as Done[typeof name] | null,
  };
  return { ...head, ...next };
}

/** Of what the runner has: what every step has, the input as its schema reads it, and the ports that were named. */
function givenTo<Ports extends object>(
  { input, needs }: AnyHead<Ports>,
  context: StepContext<Ports>,
): Basics {
  const { operationId, stackId, signal, resumed, failure, log, write, report, ports } = context;
  return {
    ...Object.fromEntries(needs.map((name) => [name, ports[name]])),
    ...{ operationId, stackId, signal, resumed, failure, log, write, report },
    input: input.parse(context.input),
  };
}
