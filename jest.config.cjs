// Tests are chosen by folder: `npx jest test/unit`, `npx jest test/contract`, and so on.
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

/** @type {import('jest').Config} */
module.exports = {
  rootDir: __dirname,
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/cdktf.out/', '<rootDir>/coverage/'],
  transform: { '^.+\\.ts$': ['@swc/jest', transform] },
  collectCoverageFrom: [
    'api/**/*.ts',
    'engine/**/*.ts',
    'stacks/**/*.ts',
    '!stacks/bindings/**',
    '!**/*.d.ts',
  ],
  coverageProvider: 'v8',
  coverageDirectory: 'coverage',
  restoreMocks: true,
};
