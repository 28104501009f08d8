import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { renderStack } from '../../../stacks/render';
import { compileSynthesizer, readSpec, root, specNames } from './support';

let synthesizer: ReturnType<typeof compileSynthesizer>;
let scratch: string;
beforeAll(() => {
  synthesizer = compileSynthesizer();
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'stacks-'));
});
afterAll(() => {
  synthesizer.remove();
  fs.rmSync(scratch, { recursive: true });
});

function synthesize(input: string, environment: NodeJS.ProcessEnv = {}, cwd = scratch) {
  const env = { PATH: process.env['PATH'], ...environment };
  return spawnSync('node', [synthesizer.main, '--stdin'], { input, encoding: 'utf8', env, cwd });
}

describe('the synthesizer process', () => {
  it.each(specNames)('prints %s as renderStack renders it, and nothing else', (name) => {
    const { status, stdout, stderr } = synthesize(JSON.stringify(readSpec(name)));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(renderStack(readSpec(name)));
  });

  it('takes nothing from cdktf variables or the working directory, and writes no files', () => {
    const context = {
      excludeStackIdFromLogicalIds: 'true',
      allowSepCharsInLogicalIds: 'true',
      cdktfVersion: '9',
    };
    const cdktf = {
      CDKTF_OUTDIR: path.join(scratch, 'outdir'),
      CDKTF_CONTEXT_JSON: JSON.stringify(context),
      CDKTF_TARGET_STACK_ID: 'other',
      CDKTF_CONTINUE_SYNTH_ON_ERROR_ANNOTATIONS: '1',
      SYNTH_HCL_OUTPUT: 'true',
    };
    const spec = readSpec('hosting-direct-kernel');
    for (const environment of [cdktf, { ...cdktf, CDKTF_CONTEXT_JSON: 'not JSON' }]) {
      expect(synthesize(JSON.stringify(spec), environment).stdout).toBe(renderStack(spec));
      expect(synthesize(JSON.stringify(spec), environment, '/').stdout).toBe(renderStack(spec));
    }
    expect(fs.readdirSync(scratch)).toEqual([]);
  });

  it.each([
    ['what is not JSON', '{"kind": "hosting", s3cret', 'stdin: is not JSON\n'],
    ['nothing', '', 'stdin: is not JSON\n'],
    ['another kind', '{"kind":"s3cret"}', 'kind: must be one of hosting, node\n'],
    ['null', 'null', 'kind: must be one of hosting, node\n'],
    [
      'a bad field',
      JSON.stringify({ ...readSpec('node-open'), uri: 'qemu:///s3cret\n' }),
      'uri: is not a libvirt URI\n',
    ],
  ])('refuses %s in one line that quotes no value', (_, input, reason) => {
    expect(synthesize(input)).toMatchObject({ status: 1, stdout: '', stderr: reason });
  });
});

describe('npx cdktf synth', () => {
  it('makes a stack of every example', () => {
    const output = path.join(scratch, 'cdktf.out');
    const cdktf = path.join(root, 'node_modules/.bin/cdktf');
    const { status, stderr } = spawnSync(
      cdktf,
      ['synth', '--app', `node ${synthesizer.main}`, '--output', output],
      {
        cwd: root,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: scratch, CHECKPOINT_DISABLE: '1', CI: '1' },
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(fs.readdirSync(path.join(output, 'stacks')).sort()).toEqual(['node-local', 'vm-1a2b3c4d']);
    const stack = fs.readFileSync(path.join(output, 'stacks/vm-1a2b3c4d/cdk.tf.json'), 'utf8');
    expect(withoutComments(JSON.parse(stack))).toEqual(JSON.parse(renderStack(example('hosting'))));
  }, 120_000);
});

function example(name: string): Parameters<typeof renderStack>[0] {
  const file = path.join(root, 'stacks/examples', `${name}.json`);
  return JSON.parse(fs.readFileSync(file, 'utf8')) as Parameters<typeof renderStack>[0];
}

function withoutComments(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutComments);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== '//');
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutComments(each)]));
}
