/** `webhoster adopt`: reads what `webhoster eject` wrote, and takes the VM back for its user. */
import { accept, type EngineParts, expectSuccess, finishOperation } from '../durable';
import type { Hosting } from '../model/hosting';
import { toHosting } from '../hostings';
import type { Command } from '../model/actor';
import { recorder } from '../audit';
import { adoptHosting as adoptOperation } from './adopt-hosting';
import { sealState } from '../stack';
import { getOwnedHosting } from '../store/hostings';
import { assertAdoptable } from './adoptable';
import { readBundle } from './bundle';
import type { AdoptInput } from './facts';

export interface Adopted {
  readonly hosting: Hosting;
  readonly username: string;
  /** The SSH port that it had, where it has another now. */
  readonly formerSshPort: number | null;
  /** Files that were not as eject wrote them; the state and hosting.json alone were used. */
  readonly changed: readonly string[];
}

/**
 * A bundle that cannot be read has tried nothing.
 *
 * @param read  content of a file of the directory; null where there is none
 * @throws {EngineError} validation_failed, not_found, quota_exceeded, plan_changed (what differs), …
 */
export async function adopt(
  engine: EngineParts,
  { who, handover }: Command,
  read: (path: string) => Promise<Buffer | null>,
): Promise<Adopted> {
  const bundle = await readBundle(read);
  return recorder(engine.parts, who)('adopt', bundle.facts.id, () => takeBack(engine, bundle, handover));
}

async function takeBack(
  engine: EngineParts,
  { facts, spec, state, changed }: Awaited<ReturnType<typeof readBundle>>,
  handover: AbortSignal,
): Promise<Adopted> {
  const { parts } = engine;
  await assertAdoptable(parts, { facts, spec });
  const { id } = facts;
  const input: AdoptInput = {
    facts,
    spec,
    stateSerial: state.serial,
    stateSealed: sealState(parts, id, state.content).toString('base64'),
  };
  const operation = await parts.database.transaction((tx) =>
    // no hosting: this database may never have heard of it
    accept(parts, tx, adoptOperation, { stackId: id, input }),
  );
  expectSuccess(await finishOperation(engine, operation.id, id, handover));
  const row = await getOwnedHosting(parts.database.direct, id);
  const hosting = toHosting(row, { username: facts.username }, parts.config);
  const formerSshPort = row.sshPort === facts.sshPort ? null : facts.sshPort;
  return { hosting, username: facts.username, formerSshPort, changed };
}
