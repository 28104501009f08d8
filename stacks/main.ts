/**
 * The synthesizer as a process of its own. Three callers:
 *
 * - the engine, `node main.js --stdin`: one StackSpec as JSON in, its Terraform JSON out; on a refusal nothing on
 *   stdout, one line on stderr, exit code 1;
 * - the cdktf CLI, as the `app` of cdktf.json: every `*.json` of WEBHOSTER_SPECS (stacks/examples by default)
 *   becomes a stack in CDKTF_OUTDIR. For people who want to look; the engine never goes this way;
 * - the cdktf CLI in a workspace's `cdktf`, `node main.js --workspace`: its spec.json becomes the stack, on the workspace's state.
 */
import fs from 'node:fs';
import path from 'node:path';
import { App } from 'cdktf';
import { checkSpec } from './allow-list/spec';
import { createStack } from './create-stack';
import { renderStack } from './render';
import type { StackSpec } from './spec';

async function renderStdin(): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  process.stdout.write(renderStack(parse(Buffer.concat(chunks).toString('utf8'), 'stdin')));
}

function synthesizeDirectory(directory: string): void {
  const files = fs
    .readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .sort();
  if (files.length === 0) throw new Error(`no specifications (*.json) in ${directory}`);
  const app = new App({ outdir: process.env['CDKTF_OUTDIR'] ?? 'cdktf.out' });
  for (const file of files) {
    const from = path.join(directory, file);
    createStack(app, checkSpec(parse(fs.readFileSync(from, 'utf8'), from)));
  }
  app.synth();
}

function synthesizeWorkspace(): void {
  const app = new App({ outdir: process.env['CDKTF_OUTDIR'] ?? 'cdktf.out' });
  const stack = createStack(app, checkSpec(parse(fs.readFileSync('spec.json', 'utf8'), 'spec.json')));
  // the CLI runs Terraform below its output directory
  stack.addOverride('terraform.backend.local.path', path.resolve('../terraform.tfstate'));
  app.synth();
}

/** JSON.parse quotes its input in its messages; user data is nothing for a log. */
function parse(json: string, from: string): StackSpec {
  try {
    return JSON.parse(json) as StackSpec;
  } catch {
    throw new Error(`${from}: is not JSON`);
  }
}

async function main(): Promise<void> {
  if (process.argv.includes('--stdin')) await renderStdin();
  else if (process.argv.includes('--workspace')) synthesizeWorkspace();
  else synthesizeDirectory(process.env['WEBHOSTER_SPECS'] ?? path.join('stacks', 'examples'));
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${reason.replaceAll(/\s+/g, ' ').trim()}\n`);
  process.exitCode = 1;
});
