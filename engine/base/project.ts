/** Which version this is, and where its files that are not code lie, seen from the sources and from dist/ alike. */
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
/** The build copies them beside the code, so that a running service does not meet the next version's. */
export const templatesDir = path.join(__dirname, '../../templates');
export const recipesDir = path.join(projectRoot, 'images');
