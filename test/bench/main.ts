/**
 * The bench of the service: what is measured against what stands in docs/performance.md. Prints a table of each part,
 * writes its samples as JSON and its medians as a picture, and ends with 1 when a bound is missed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheDir } from '../support/postgres';
import { chart } from './chart';
import { type Machine, machineFacts } from './machine';
import { inNamespace } from './namespace';
import { type Options, type PartName, readOptions } from './options';
import { measureEndurance } from './parts/endurance';
import { measureVm } from './parts/vm';
import { progress } from './progress';
import { missed, type PartResult } from './result';
import { boundLine, table } from './table';

async function main(): Promise<void> {
  const options = optionsOrExit();
  const machine = await machineFacts(cacheDir);
  progress(`${machine.cores} cores, load ${machine.loadAverage.join(' ')}: ${options.parts.join(', ')}`);
  const results: PartResult[] = [];
  for (const part of options.parts) {
    for (const result of await measure(part, options)) {
      results.push(result);
      console.log(`\n${table(result)}`);
      if (options.out !== null) keep(options.out, result, machine, options);
    }
  }
  const short = missed(results);
  const all = results.flatMap(({ bounds }) => bounds).length;
  console.log(`\n${all - short.length} of ${all} bounds met`);
  for (const bound of short) console.log(`  ${boundLine(bound)}`);
  if (short.length > 0) process.exitCode = 1;
}

async function measure(part: PartName, options: Options): Promise<PartResult[]> {
  progress(`${part} begins`);
  if (part === 'endurance') return [await measureEndurance(options)];
  if (part !== 'vm') return [await inNamespace(part, options)];
  const results: PartResult[] = [];
  for (const image of options.images) results.push(await measureVm(image, options));
  return results;
}

function keep(dir: string, result: PartResult, machine: Machine, { runs, quick }: Options): void {
  mkdirSync(dir, { recursive: true });
  const stem = path.join(dir, result.part);
  writeFileSync(`${stem}.json`, `${JSON.stringify({ machine, runs, quick, ...result }, null, 2)}\n`);
  writeFileSync(`${stem}.svg`, chart(result));
  progress(`wrote ${stem}.json and ${stem}.svg`);
}

function optionsOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (thrown) {
    console.error((thrown as Error).message);
    process.exit(2);
  }
}

main().catch((thrown: unknown) => {
  console.error(thrown);
  process.exitCode = 2;
});
