// `node --require` of this runs TypeScript as Jest does: for processes of a test that are there to be killed.
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');
const { projects } = require('../../jest.config.cjs');

const [, options] = projects[0].transform['^.+\\.ts$'];
require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), { ...options, filename });
  module._compile(code, filename);
};
