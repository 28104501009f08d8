/** Where the files that are not code lie, seen from the sources and from dist/ alike. */
import { existsSync } from 'node:fs';
import path from 'node:path';

export const projectRoot =
  [path.join(__dirname, '..'), path.join(__dirname, '../..')].find((dir) =>
    existsSync(path.join(dir, 'package.json')),
  ) ?? process.cwd();

export const templatesDir = path.join(projectRoot, 'templates');
export const recipesDir = path.join(projectRoot, 'images');
