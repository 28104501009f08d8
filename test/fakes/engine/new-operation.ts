/** An operation as the fake engine accepts it. */
import { randomUUID } from 'node:crypto';
import type { Failure, Operation, OperationKind } from '../../../engine';

export type Ending =
  | { readonly status: 'succeeded' }
  | { readonly status: 'failed' | 'stuck'; readonly failure: Failure | null; readonly owns?: string[] };

export interface NewOperation {
  readonly kind: OperationKind;
  readonly userId: number;
  /** null if it is about none that is there. */
  readonly hostingId: string | null;
  readonly steps: readonly string[];
  /** Asked when it is worked on. @default it succeeds */
  readonly outcome?: () => Ending;
  /** What has changed when it ends. */
  readonly onEnd?: (operation: Operation) => void;
}

export function newOperation({ kind, userId, hostingId, steps }: NewOperation): Operation {
  return {
    ...{ id: randomUUID(), kind, status: 'pending', hostingId, userId },
    steps: steps.map((name) => ({
      ...{ name, status: 'pending', tries: 0, startedAt: null, finishedAt: null },
    })),
    ...{ failure: null, cancelRequested: false, owns: [], queuePosition: null, estimatedSeconds: null },
    ...{ createdAt: new Date(), startedAt: null, finishedAt: null },
  };
}
