// Layers from quick to slow; each can be run alone: `npx jest --selectProjects unit`.
// CommonJS, not TypeScript: Node 20 cannot load a jest.config.ts without ts-node, which nothing else here needs.

/** What TypeORM's entities need: decorators in TypeScript's old form, with the types of their properties. */
const transform = {
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    keepClassNames: true,
  },
  module: { type: 'commonjs' },
  sourceMaps: 'inline',
  swcrc: false,
};

const postgres = {
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
};

const layer = (name, options = {}) => ({
  displayName: name,
  rootDir: __dirname,
  testEnvironment: 'node',
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/cdktf.out/', '<rootDir>/coverage/'],
  transform: { '^.+\\.ts$': ['@swc/jest', transform] },
  restoreMocks: true,
  setupFilesAfterEnv: ['<rootDir>/test/support/umask.ts'],
  ...options,
});

/** @type {import('jest').Config} */
module.exports = {
  projects: [
    layer('unit'),
    layer('contract', postgres),
    layer('integration', postgres),
    layer('system', postgres),
    layer('e2e'),
    layer('compose'),
  ],
  // what takes 0.3 s alone has taken more than Jest's 5 s on a machine that boots guests meanwhile
  testTimeout: 30_000,
  testSequencer: '<rootDir>/test/support/longest-first.cjs',
  collectCoverageFrom: ['{api,engine,stacks}/**/*.ts', '!stacks/bindings/**', '!**/*.d.ts'],
  coverageDirectory: 'coverage',
  coverageReporters: ['text-summary', 'json-summary'],
};
