/** Mends what a sweep found. What touches a stack is an operation, under the stack's lease, and looks again itself. */
import { EngineError, toEngineError } from '../base/errors';
import { acceptHere, type EngineParts, expectSuccess, finishOperation } from '../durable';
import { recorder } from '../audit';
import { removeOrphan } from './remove-orphan';
import { findHosting, reserveAgain } from '../store/hostings';
import { nextUnfinished, resumeStuck } from '../store/operations';
import { adviceFor, type Finding, type Fix, findingKinds } from './findings';
import { groundFixes, type Mend } from './ground-fixes';

export interface Mended {
  readonly finding: Finding;
  /** `withheld`: only a person may decide; `no-fix`: see the kind's advice. */
  readonly result: 'fixed' | 'failed' | 'withheld' | 'no-fix';
  /** Why not. */
  readonly reason?: string;
}

export interface FixOptions {
  /** Under whose name it is recorded. */
  readonly who: string;
  /** Removes what the database has never heard of, too. */
  readonly unknown: boolean;
  readonly handover: AbortSignal;
  readonly onMended?: (mended: Mended) => void;
}

export async function fix(
  engine: EngineParts,
  findings: readonly Finding[],
  options: FixOptions,
): Promise<Mended[]> {
  const mended: Mended[] = [];
  const recorded = recorder(engine.parts, options.who);
  // several findings about one stack are mended by one operation
  const done = new Map<string, Promise<void>>();
  for (const finding of findings) {
    const key = `${findingKinds[finding.kind].fix ?? 'none'} ${sharedTarget(finding)}`;
    const result = await mend(engine, finding, options, (act) => {
      const acting = done.get(key) ?? recorded('doctor fix', targetOf(finding), act);
      done.set(key, acting);
      return acting;
    });
    options.onMended?.(result);
    mended.push(result);
  }
  return mended;
}

/** One restart of libvirt is for all of them. */
function sharedTarget({ kind, operationId, stackId }: Finding): string {
  return findingKinds[kind].fix === 'restart-libvirt' ? '' : (operationId ?? stackId ?? '');
}

/** The stack, where there is one; else what a person calls it. */
function targetOf({ stackId, kind, subject }: Finding): string {
  return `${kind} ${stackId ?? subject}`;
}

async function mend(
  engine: EngineParts,
  finding: Finding,
  { unknown, handover }: FixOptions,
  once: (act: () => Promise<void>) => Promise<void>,
): Promise<Mended> {
  const { fix: how } = findingKinds[finding.kind];
  if (how === null) return { finding, result: 'no-fix', reason: adviceFor(finding) ?? '' };
  if (!finding.known && !unknown)
    return { finding, result: 'withheld', reason: 'this hosting is unknown to the database' };
  try {
    handover.throwIfAborted();
    await once(() => fixes[how](engine, finding, handover));
    return { finding, result: 'fixed' };
  } catch (thrown) {
    engine.parts.log.warn({ err: thrown, finding }, 'finding could not be fixed');
    return { finding, result: 'failed', reason: toEngineError(thrown).message };
  }
}

const fixes = {
  ...groundFixes,
  'remove-orphan': async (engine, { stackId }, handover) => {
    if (stackId === null) return;
    const { database } = engine.parts;
    const known = (await findHosting(database.direct, stackId)) !== null;
    const { id } = await database.transaction(async (tx) => {
      const underWay = await nextUnfinished(tx, stackId);
      if (underWay !== null) return underWay;
      return acceptHere(tx, removeOrphan, { stackId, ...(known ? { hostingId: stackId } : {}) });
    });
    expectSuccess(await finishOperation(engine, id, stackId, handover));
  },
  'go-on': async (engine, { operationId, stackId }, handover) => {
    if (operationId === undefined || stackId === null) return;
    await engine.parts.database.transaction((tx) => resumeStuck(tx, operationId));
    const ended = await finishOperation(engine, operationId, stackId, handover);
    // a create that was undone has ended as it should
    if (ended.status !== 'failed') expectSuccess(ended);
  },
  publish: (engine) => engine.parts.routePublisher.publish(),
  reopen: async ({ parts }, { stackId }) => {
    if (stackId === null) return;
    if (!(await parts.database.transaction((tx) => reserveAgain(tx, stackId))))
      throw new EngineError(
        'ports_exhausted',
        'another hosting now has its SSH port or address: delete the hosting and create it again',
      );
    await parts.routePublisher.publish();
  },
} satisfies Record<Exclude<Fix, null>, Mend>;
