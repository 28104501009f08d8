/**
 * The lines of the matrix. The kills are taken from the operations' own definitions, so that a new step is covered by
 * itself; where a freeze could do harm is known only to people.
 */
import type { Definition } from '../../engine/stack';
import { type Fault, isChaotic, type Moment, type OperationName } from './faults';
import type { Random } from './random';
import { definitionOf } from '../support/definitions';

/** Who is hit: the worker by itself at a point of its work, or a program of its, from outside. */
export type Victim = 'worker killed' | 'worker frozen' | 'Terraform killed' | 'provider killed';

/** One line of the matrix. */
export interface Row {
  readonly victim: Victim;
  readonly operation: OperationName;
  readonly step: string;
  readonly moment: Moment;
  readonly faults: (random: Random) => Fault[];
  /** Terraform's first apply takes longer than a lease lasts. */
  readonly slow?: boolean;
  /** Holds up all others for a while: two of them at once would only measure each other. */
  readonly alone?: boolean;
}

const moments: readonly Moment[] = ['before', 'during', 'after'];

export function allRows(): Row[] {
  return [
    ...[definitionOf('create-hosting'), definitionOf('delete-hosting')].flatMap((definition) => [
      ...forward(definition),
      ...backward(definition),
    ]),
    ...(['Terraform killed', 'provider killed'] as const).flatMap((victim) => [
      struck(victim, 'create-hosting', 'apply'),
      struck(victim, 'delete-hosting', 'destroy'),
    ]),
    outlived('create-hosting', 'apply'),
    outlived('delete-hosting', 'destroy'),
    ...frozen(),
  ];
}

export function nameOfRow({ operation, step, moment, victim }: Omit<Row, 'faults'>): string {
  return `${operation} ${step} ${moment}, ${victim}`;
}

/** Longer than most steps take, as an apply does on a busy machine. */
export const longestDelayMs = 2_500;

/** As likely in the first 50 ms as in the last seconds: some steps are that short. */
function anyDelay(random: Random): number {
  return Math.round(5 * (longestDelayMs / 5) ** random());
}

/** The worker dies around every step that does something. */
function forward(definition: Definition): Row[] {
  const operation = nameOf(definition);
  return definition.steps
    .filter((step) => step.run)
    .flatMap(({ name: step }) =>
      moments.map((moment): Row => ({
        victim: 'worker killed',
        operation,
        step,
        moment,
        faults: (random) => [{ operation, step, way: 'do', moment, act: 'kill', delayMs: anyDelay(random) }],
      })),
    );
}

/** The worker dies around every undo of an operation whose last step fails. */
function backward(definition: Definition): Row[] {
  const operation = nameOf(definition);
  const last = definition.steps.findLast((step) => step.run);
  const undoable = definition.steps.filter((step) => step.undo);
  return undoable.flatMap(({ name: step }) =>
    moments.map((moment): Row => ({
      victim: 'worker killed',
      operation,
      step: `undo ${step}`,
      moment,
      faults: (random) => [
        { operation, step: last?.name ?? '', way: 'do', moment: 'before', act: 'fail', delayMs: 0 },
        { operation, step, way: 'undo', moment, act: 'kill', delayMs: anyDelay(random) },
      ],
    })),
  );
}

function struck(victim: Victim, operation: OperationName, step: string): Row {
  return { victim, operation, step, moment: 'during', faults: () => [] };
}

/** The worker dies, and its Terraform is still at work when the next one comes. */
function outlived(operation: OperationName, step: string): Row {
  const fault = { operation, step, way: 'do', moment: 'during', act: 'kill' } as const;
  return {
    ...{ victim: 'worker killed', operation, step: `${step}, slow`, moment: 'during', slow: true },
    faults: (random) => [{ ...fault, delayMs: slowFromMs + anyDelay(random) }],
  };
}

/** By then Terraform has come to its apply. */
const slowFromMs = 12_000;

/** Where a worker that wakes up too late could do harm. */
function frozen(): Row[] {
  const freeze = (
    operation: OperationName,
    step: string,
    moment: Moment,
    more: Pick<Fault, 'way' | 'resumed'> = { way: 'do' },
    earlier: Fault[] = [],
  ): Row => ({
    victim: 'worker frozen',
    operation,
    step: `${more.way === 'undo' ? 'undo ' : ''}${step}${more.resumed === true ? ' again' : ''}`,
    moment,
    faults: (random) => [
      ...earlier,
      { operation, step, moment, act: 'freeze', delayMs: anyDelay(random), ...more },
    ],
  });
  const create = { operation: 'create-hosting', way: 'do', delayMs: 1_500 } as const;
  const lastFails: Fault = { ...create, step: 'ready', moment: 'before', act: 'fail' };
  return [
    freeze('create-hosting', 'init', 'before'),
    freeze('create-hosting', 'plan', 'after'),
    freeze('create-hosting', 'apply', 'before'),
    freeze('create-hosting', 'apply', 'during'),
    freeze('create-hosting', 'apply', 'after'),
    // in the midst of a publish, which one worker does at a time
    { ...freeze('create-hosting', 'route', 'during'), alone: true },
    // a second worker, about to remove what the first one's apply left, wakes up while a third applies
    freeze('create-hosting', 'plan', 'before', { way: 'do', resumed: true }, [
      { ...create, step: 'apply', moment: 'during', act: 'kill' },
    ]),
    freeze('create-hosting', 'apply', 'before', { way: 'undo' }, [lastFails]),
    freeze('delete-hosting', 'destroy', 'before'),
    freeze('delete-hosting', 'destroy', 'during'),
    freeze('delete-hosting', 'forget', 'before'),
  ];
}

function nameOf({ kind }: Definition): OperationName {
  if (!isChaotic(kind)) throw new Error(`${kind} is not covered`);
  return kind;
}
