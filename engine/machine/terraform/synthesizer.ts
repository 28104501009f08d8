/** From a specification to Terraform JSON, in a child process per stack: no stack can reach another's values. */
import type { StackSpec } from '../../../stacks';
import { synthesizerPath } from '../../../stacks';
import { EngineError } from '../../base/errors';
import { runCommand } from '../../base/process';

export interface Synthesizer {
  /** @throws {EngineError} synthesis_failed */
  synthesize(spec: StackSpec, signal?: AbortSignal): Promise<string>;
}

/** @param entry  the compiled synthesizer */
export function childSynthesizer(entry: string = synthesizerPath): Synthesizer {
  return {
    synthesize: async (spec, signal) => {
      const result = await runCommand([process.execPath, entry, '--stdin'], {
        input: JSON.stringify(spec),
        signal,
        timeoutMs: 60_000,
      });
      if (result.code === 0) return result.stdout;
      throw new EngineError('synthesis_failed', undefined, {
        cause: new Error(result.stderr.slice(0, 4000)),
      });
    },
  };
}
