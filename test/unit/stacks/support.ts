/** Fixtures of the stack tests, and the synthesizer compiled so that it can run as a process of its own. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { transformFileSync } from '@swc/core';
import type { HostingSpec, NodeSpec, StackSpec } from '../../../stacks';

export const root = path.resolve(__dirname, '../../..');
const fixtures = path.join(root, 'test/fixtures/stacks');

export const specNames = [
  'hosting-direct-kernel',
  'hosting-disk',
  'hosting-limits',
  'node-open',
  'node-none',
] as const;
export type SpecName = (typeof specNames)[number];

export function readSpec(name: `hosting-${string}` & SpecName): HostingSpec;
export function readSpec(name: `node-${string}` & SpecName): NodeSpec;
export function readSpec(name: SpecName): StackSpec;
export function readSpec(name: SpecName): StackSpec {
  return JSON.parse(fs.readFileSync(path.join(fixtures, `${name}.spec.json`), 'utf8')) as StackSpec;
}

export function readFixture(file: string): string {
  return fs.readFileSync(path.join(fixtures, file), 'utf8');
}

/** The stored output for a specification; with UPDATE_GOLDEN=1 `actual` is stored first. */
export function golden(name: SpecName, actual: string): string {
  const file = path.join(fixtures, `${name}.tf.json`);
  if (process.env['UPDATE_GOLDEN'] === '1') fs.writeFileSync(file, actual);
  return fs.readFileSync(file, 'utf8');
}

/**
 * Compiles stacks/ into a fresh directory, because dist/ may be old or not there.
 *
 * @returns path of the compiled main.js, and what removes it again
 */
export function compileSynthesizer(): { main: string; remove: () => void } {
  const parent = path.join(root, 'node_modules', '.cache');
  fs.mkdirSync(parent, { recursive: true });
  const out = fs.mkdtempSync(path.join(parent, 'stacks-'));
  const sources = fs.readdirSync(path.join(root, 'stacks'), { recursive: true, encoding: 'utf8' });
  for (const source of sources.filter((each) => each.endsWith('.ts'))) {
    const { code } = transformFileSync(path.join(root, 'stacks', source), {
      swcrc: false,
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
    });
    const target = path.join(out, source.replace(/\.ts$/, '.js'));
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, code);
  }
  return {
    main: path.join(out, 'main.js'),
    remove: () => {
      fs.rmSync(out, { recursive: true });
    },
  };
}

/** Runs a stylesheet the way the provider does. */
export function xsltproc(stylesheet: string, xml: string): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'xslt-'));
  try {
    const [style, input] = [path.join(directory, 'style.xsl'), path.join(directory, 'input.xml')];
    fs.writeFileSync(style, stylesheet);
    fs.writeFileSync(input, xml);
    return execFileSync('xsltproc', ['--nomkdir', '--nonet', '--nowrite', style, input], {
      encoding: 'utf8',
    });
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}
