/**
 * `webhoster eject`: the files are written, and kept on the disk, before the operation that lets go of the hosting is
 * accepted. Whatever fails before that has changed nothing; whatever fails after it leaves the files to go on with.
 */
import path from 'node:path';
import { accept, type EngineParts, expectSuccess, finishOperation, type Parts } from '../durable';
import type { Operation } from '../model/operation';
import { EngineError } from '../base/errors';
import type { Command } from '../model/actor';
import { recorder } from '../audit';
import { wakeFor } from '../sleep';
import { hostingNamed } from '../hostings';
import { ejectHosting as ejectOperation } from './eject-hosting';
import { openState } from '../stack';
import { projectVersion } from '../base/project';
import { type Ejection, findEjection } from '../store/ejections';
import type { HostingRow } from '../store/hostings';
import { findStack } from '../store/stacks';
import { findUser } from '../store/users';
import { type BundleFile, bundleOf } from './bundle';
import { digestOf } from './digest';
import { type EjectedFacts, factsOf } from './facts';
import { readme } from './readme';

/** Where the files go, on the machine of whoever asks. */
export interface EjectionTarget {
  /** Must have all of them on the disk when it returns; the hosting is let go of then. */
  write(files: readonly BundleFile[]): Promise<void>;
  /** The hosting was not let go of: what was written is of no use. */
  discard(): Promise<void>;
}

export interface Ejected {
  readonly facts: EjectedFacts;
  readonly uri: string;
  /** False when it had been ejected before: the files are those of that time again. */
  readonly letGo: boolean;
}

/** @throws {EngineError} hosting_not_found, plan_changed (it differs from its specification), validation_failed, … */
export async function eject(
  engine: EngineParts,
  { who, handover }: Command,
  name: string,
  target: EjectionTarget,
): Promise<Ejected> {
  const { id } = await hostingNamed(engine.parts.database.direct, name);
  return recorder(engine.parts, who)('eject', id, () => writeAndLetGo(engine, name, target, handover));
}

async function writeAndLetGo(
  engine: EngineParts,
  name: string,
  target: EjectionTarget,
  handover: AbortSignal,
): Promise<Ejected> {
  const { parts } = engine;
  const hosting = await hostingNamed(parts.database.direct, name);
  // who takes it over gets a VM that runs
  if (hosting.status === 'sleeping') {
    await wakeFor(engine, hosting.id, handover);
    return writeAndLetGo(engine, hosting.id, target, handover);
  }
  const ejection = await madeFrom(parts, hosting);
  const facts = factsOf(hosting, (await findUser(parts.database.direct, hosting.userId))?.username ?? '');
  await target.write(await filesOf(parts, hosting.userId, facts, ejection));
  const ejected = { facts, uri: ejection.spec.node.uri };
  if (hosting.status === 'ejected') return { ...ejected, letGo: false };
  const operation = await letGo(engine, hosting, ejection, handover);
  // any other that did not succeed goes on, and may let go of the hosting later
  if (operation.status === 'failed') await target.discard();
  expectSuccess(operation);
  return { ...ejected, letGo: true };
}

async function madeFrom(
  { database }: Pick<Parts, 'database'>,
  { id, status, vmName }: HostingRow,
): Promise<Ejection> {
  if (status === 'ejected') {
    const ejection = await findEjection(database.direct, id);
    if (ejection !== null) return ejection;
  }
  const stack = await findStack(database.direct, id);
  if (status !== 'running' || stack?.spec?.kind !== 'hosting' || !stack.stateSealed)
    throw new EngineError(
      'validation_failed',
      `${vmName} is ${status}; only a running hosting can be ejected`,
    );
  return { spec: stack.spec, stateSerial: Number(stack.stateSerial), stateSealed: stack.stateSealed };
}

async function filesOf(
  parts: Pick<Parts, 'clock' | 'config' | 'secretBox' | 'synthesizer'>,
  userId: number,
  facts: EjectedFacts,
  { spec, stateSealed }: Ejection,
): Promise<BundleFile[]> {
  const ejectedAt = parts.clock.now().toISOString();
  const cliConfig = path.join(parts.config.DATA_DIR, 'terraform.tfrc');
  return bundleOf({
    facts,
    spec,
    stackJson: await parts.synthesizer.synthesize(spec),
    state: openState(parts, facts.id, stateSealed),
    readme: readme({ facts, spec, userId, ejectedAt, cliConfig }),
    version: projectVersion,
    ejectedAt,
  });
}

async function letGo(
  engine: EngineParts,
  { id }: HostingRow,
  { spec, stateSerial }: Ejection,
  handover: AbortSignal,
): Promise<Operation> {
  const input = { stateSerial, specDigest: digestOf(spec) };
  const { parts } = engine;
  const operation = await parts.database.transaction((tx) =>
    accept(parts, tx, ejectOperation, { stackId: id, hostingId: id, input }),
  );
  return finishOperation(engine, operation.id, id, handover);
}
