/** One Terraform run with its record: what it said while it said it, how long its parts took, its plan, its exit. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  appendToRunLog,
  deleteRunsBeyond,
  finishRun,
  type RunPlan,
  type RunRow,
  startRun,
} from '../store/runs';
import { clean, runRecord } from '../machine/terraform/run-record';
import type { TerraformCall, TerraformEvent } from '../machine/terraform/terraform';
import { readState, stackWorkspace } from '../machine/terraform/workspace';
import { toEngineError } from '../base/errors';
import { keepState } from './state';
import type { StackStep } from './step';

/** How often what was said meanwhile is written down. */
const flushMs = 300;
/** A run that says more than this has gone astray; the rest is left out. */
const maxLogLength = 1_000_000;

/**
 * Runs one Terraform verb. The state goes into Postgres after an apply even when it failed: it half-succeeds.
 *
 * @param verb  returns its result, and the plan if it made one
 */
export async function recordedRun<T>(
  context: StackStep,
  kind: RunRow['kind'],
  verb: (call: TerraformCall) => Promise<{ result: T; plan?: RunPlan }>,
): Promise<T> {
  const { parts, stackId, operationId, signal } = context;
  const workspace = stackWorkspace(parts.config, stackId);
  const id = randomUUID();
  const [terraform, provider] = [await parts.terraform.version(), await parts.terraform.provider()];
  const tools = { terraform, ...(provider === null ? {} : { libvirt: provider }) };
  await context.write(async (tx) => {
    await startRun(tx, { id, stackId, operationId, kind, host: hostname(), tools });
    await deleteRunsBeyond(tx, stackId, parts.config.RUNS_KEEP_PER_STACK);
  });
  const record = runRecord();
  const log = logWriter(context, id);
  const onEvent = (event: TerraformEvent): void => {
    log.add(record.take(event));
    if (event.type === 'apply_start' || event.type === 'apply_complete')
      context.report(event.message, { address: event.address });
  };
  const finish = async (exitCode: number, plan?: RunPlan): Promise<void> => {
    const timings = record.phases(kind);
    const [whole] = timings;
    if (whole !== undefined)
      parts.measures.observe(
        'terraform_phases',
        { phase: kind, outcome: exitCode === 0 ? 'succeeded' : 'failed' },
        whole.ms / 1000,
      );
    await log.end();
    const state = kind === 'plan' ? null : await readState(workspace);
    await context.write(async (tx) => {
      await finishRun(tx, id, { exitCode, timings, ...plan });
      if (state !== null) await keepState(tx, parts, stackId, state);
    });
  };
  try {
    const { result, plan } = await verb({ workspace, signal, onEvent });
    await finish(0, plan);
    return result;
  } catch (thrown) {
    log.add(`failed: ${toEngineError(thrown).message}\n`);
    await finish(1).catch((err: unknown) => {
      parts.log.warn({ err, runId: id }, 'run could not be recorded');
    });
    throw thrown;
  }
}

/** Writes in pieces, in their order, while the run goes on. What cannot be written does not stop the run. */
function logWriter(
  { write, parts }: StackStep,
  runId: string,
): { add(text: string): void; end(): Promise<void> } {
  let waiting = '';
  let length = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  const flush = (): void => {
    timer = undefined;
    const text = waiting;
    waiting = '';
    if (text === '') return;
    writing = writing
      .then(() => write((tx) => appendToRunLog(tx, runId, text)))
      .catch((err: unknown) => {
        parts.log.debug({ err, runId }, 'part of a run’s log is lost');
      });
  };
  return {
    add: (text) => {
      length += text.length;
      if (length > maxLogLength) return;
      waiting += clean(text);
      timer ??= setTimeout(flush, flushMs);
    },
    end: async () => {
      clearTimeout(timer);
      flush();
      await writing;
    },
  };
}
