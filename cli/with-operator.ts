/** Works on hostings, on this machine or by a service's API. */
import type { Command } from 'commander';
import { createLog, EngineError, loadConfig, type Operator, withMachine } from '../engine';
import { readLogins } from './credentials';
import { operatorName } from './operator-name';
import { openClient } from './remote/client';
import { remoteOperator } from './remote/remote-operator';
import { chooseTarget, type TargetFlags } from './target';
import { untilStopped } from './until-stopped';

/** @param command  whose flags say where: `--url`, `--local` */
export async function withOperator<T>(
  command: Command,
  work: (operator: Operator, stop: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = untilStopped();
  const target = await chooseTarget(command.optsWithGlobals<TargetFlags>(), process.env, readLogins);
  if (target.kind === 'service')
    return work(remoteOperator(openClient({ ...target, signal: stop }), { signal: stop }), stop);
  const log = createLog(process.env.LOG_LEVEL ?? 'fatal');
  const given = { who: operatorName(), handover: stop };
  return withMachine(machineConfig(), log, given, { postgres: 'start' }, ({ hostings }) =>
    work(hostings, stop),
  );
}

/** @throws {EngineError} config_invalid, with the other way to go */
function machineConfig(): ReturnType<typeof loadConfig> {
  try {
    return loadConfig();
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    const elsewhere = 'If the service runs on another machine: webhoster login --url ADDRESS';
    throw new EngineError(thrown.code, `${thrown.message}\n${elsewhere}`, { cause: thrown.cause });
  }
}
