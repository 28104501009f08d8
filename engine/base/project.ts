/** The version of this program, and the paths of its files that are not code, seen from the sources and from dist/ alike. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const projectRoot =
  [path.join(__dirname, '../..'), path.join(__dirname, '../../..')].find((dir) =>
    existsSync(path.join(dir, 'package.json')),
  ) ?? process.cwd();

const manifest = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8')) as {
  version: string;
};

export const projectVersion = manifest.version;
/** The build copies them next to the code, so that a running service never reads those of the next version. */
export const templatesDir = path.join(__dirname, '../../templates');
export const recipesDir = path.join(projectRoot, 'images');
