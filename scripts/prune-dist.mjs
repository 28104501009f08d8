#!/usr/bin/env node
/**
 * Removes from dist/ what has no source any more: what a version before this one compiled. Node would load it first
 * where a file `x.ts` has become a folder `x/`. Run by `npm run build`; takes another root as its argument.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = process.argv[2] ?? '.';
for (const folder of ['api', 'cli', 'engine', 'stacks', 'test']) {
  const dist = path.join(root, 'dist', folder);
  if (!existsSync(dist)) continue;
  for (const name of readdirSync(dist, { recursive: true })) {
    const compiled = /\.js(\.map)?$/.exec(name);
    if (compiled && !existsSync(path.join(root, folder, `${name.slice(0, compiled.index)}.ts`)))
      rmSync(path.join(dist, name));
  }
}
