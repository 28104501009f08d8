/** What work on a stack takes: a step, its worker's hold on the stack, and the parts that a stack is made with. */
import type { HeldStep, Parts } from '../durable';

export type StackParts = Pick<
  Parts,
  | 'clock'
  | 'config'
  | 'database'
  | 'inventory'
  | 'log'
  | 'measures'
  | 'secretBox'
  | 'synthesizer'
  | 'terraform'
>;

export interface StackStep extends HeldStep {
  readonly parts: StackParts;
}
