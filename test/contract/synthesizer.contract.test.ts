/** The synthesizer as the engine runs it: a child process per stack. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EngineError } from '../../engine/base/errors';
import { childSynthesizer } from '../../engine/machine/terraform/synthesizer';
import { renderStack } from '../../stacks/render';
import { compileSynthesizer, readSpec } from '../unit/stacks/support';

let compiled: ReturnType<typeof compileSynthesizer>;
beforeAll(() => {
  compiled = compileSynthesizer();
});
afterAll(() => {
  compiled.remove();
});

const spec = readSpec('hosting-disk');

describe('the synthesizer in a child process', () => {
  it('the synthesizer returns exactly what the stack renders to', async () => {
    expect(JSON.parse(await childSynthesizer(compiled.main).synthesize(spec))).toEqual(
      JSON.parse(renderStack(spec)),
    );
  });

  it('the synthesizer refuses what a stack may not contain, and names the field in the cause but not in public', async () => {
    const hostile = { ...spec, vmName: '${file("/etc/passwd")}' };
    const error = (await childSynthesizer(compiled.main)
      .synthesize(hostile)
      .catch((thrown: unknown) => thrown)) as EngineError;
    expect(error).toMatchObject({
      code: 'synthesis_failed',
      message: 'The Terraform configuration could not be generated',
    });
    expect((error.cause as Error).message).toContain('vmName');
    expect((error.cause as Error).message).not.toContain('/etc/passwd');
  });

  it('the synthesizer fails when it is not built', async () => {
    await expect(childSynthesizer('/nonexistent/main.js').synthesize(spec)).rejects.toMatchObject({
      code: 'synthesis_failed',
    });
  });

  it('the synthesizer stops with the signal’s reason when it is aborted', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-ctr-'));
    const slow = path.join(dir, 'slow.js');
    writeFileSync(slow, 'setTimeout(() => undefined, 60_000);');
    chmodSync(slow, 0o644);
    try {
      const stop = new AbortController();
      const reason = new Error('cancelled');
      const running = childSynthesizer(slow).synthesize(spec, stop.signal);
      setTimeout(() => {
        stop.abort(reason);
      }, 200);
      await expect(running).rejects.toBe(reason);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
