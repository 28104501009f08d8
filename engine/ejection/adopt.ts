/** `webhoster adopt`: reads what `webhoster eject` wrote, and takes the VM back for its user. */
import type { Config } from '../base/config';
import type { EngineParts } from '../durable/engine-parts';
import type { Hosting } from '../model/hosting';
import { toHosting } from '../hostings/view';
import type { Log } from '../base/log';
import { recorder } from '../audit/recorder';
import { withEngine } from '../operator/with-engine';
import { accept } from '../durable/accept';
import { adoptHosting as adoptOperation } from './adopt-hosting';
import { expectSuccess, finishOperation } from '../durable/finish';
import { sealState } from '../stack/state';
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

export interface AdoptOptions {
  /** Content of a file of the directory; null where there is none. */
  readonly read: (path: string) => Promise<Buffer | null>;
  readonly handover: AbortSignal;
}

/** @throws {EngineError} validation_failed, not_found, quota_exceeded, plan_changed (what differs), … */
export function adoptHosting(
  config: Config,
  log: Log,
  { who, ...options }: AdoptOptions & { readonly who: string },
): Promise<Adopted> {
  return withEngine(config, log, (engine) => adoptAs(engine, who, options));
}

/** As `adoptHosting`, with parts that are connected. A bundle that cannot be read has tried nothing. */
export async function adoptAs(
  engine: EngineParts,
  who: string,
  { read, handover }: AdoptOptions,
): Promise<Adopted> {
  const bundle = await readBundle(read);
  return recorder(engine.parts, who)('adopt', bundle.facts.id, () => takeBack(engine, bundle, handover));
}

/** The same without a record of who did it. */
export async function adopt(engine: EngineParts, { read, handover }: AdoptOptions): Promise<Adopted> {
  return takeBack(engine, await readBundle(read), handover);
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
    accept(parts, tx, adoptOperation, { stackId: id, input: { ...input } }),
  );
  expectSuccess(await finishOperation(engine, operation.id, id, handover));
  const row = await getOwnedHosting(parts.database.direct, id);
  const hosting = toHosting(row, { username: facts.username }, parts.config);
  const formerSshPort = row.sshPort === facts.sshPort ? null : facts.sshPort;
  return { hosting, username: facts.username, formerSshPort, changed };
}
