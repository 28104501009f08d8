/** The process of a part inside its namespace: reads its task, writes its result. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Isolated } from './namespace';
import { measureApi } from './parts/api';
import { measureBurst } from './parts/burst';
import { measureNginx } from './parts/nginx';
import { measureScale } from './parts/scale';
import type { PartResult } from './result';

const parts: Readonly<Record<string, (given: Isolated) => Promise<PartResult>>> = {
  api: measureApi,
  nginx: measureNginx,
  scale: measureScale,
  burst: measureBurst,
};

async function main(): Promise<void> {
  const { part, given, answer } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as {
    part: string;
    given: Isolated;
    answer: string;
  };
  const measure = parts[part];
  if (measure === undefined) throw new Error(`no such part: ${part}`);
  writeFileSync(answer, JSON.stringify(await measure(given)));
}

main().then(
  // daemons and idle connections end with the namespace
  () => process.exit(0),
  (thrown: unknown) => {
    console.error(thrown);
    process.exit(1);
  },
);
