// The direction of the code, checked on every run of `npm run check`:
// api -> engine/index -> stacks/index; foreign libraries and spawning have one home each.
const rule = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });
module.exports = {
  forbidden: [
    rule('no-circular', {}, { circular: true }, 'A cycle means that two modules are one.'),
    rule(
      'engine-has-one-door',
      { path: '^(api|cli)/' },
      { path: '^engine/(?!index\\.ts$)' },
      'Import engine/index.',
    ),
    rule(
      'stacks-have-one-door',
      { path: '^(engine|api|cli)/' },
      { path: '^stacks/(?!index\\.ts$)' },
      'Import stacks/index.',
    ),
    rule(
      'api-does-not-synthesize',
      { path: '^(api|cli)/' },
      { path: '^stacks/' },
      'Only the engine knows stacks.',
    ),
    rule(
      'engine-knows-no-caller',
      { path: '^engine/' },
      { path: '^(api|cli)/' },
      'The engine is transport-neutral.',
    ),
    rule(
      'stacks-are-pure',
      { path: '^stacks/(?!bindings)' },
      { pathNot: ['^stacks/', '^node_modules/(cdktf|cdktn|constructs)/', '^(path|fs)$'] },
      'stacks/ imports cdktf, constructs and the bindings only.',
    ),
    rule(
      'cdktf-only-in-stacks',
      { pathNot: '^stacks/' },
      { path: '^node_modules/(cdktf|cdktn|constructs)/' },
      'cdktf must stay a one-line swap.',
    ),
    rule(
      'express-only-in-api',
      { pathNot: '^api/' },
      { path: '^node_modules/(express|helmet|prom-client|swagger-ui-dist)/' },
      'HTTP lives in api/.',
    ),
    rule(
      'typeorm-only-in-store',
      { pathNot: '^engine/store/' },
      { path: '^node_modules/(typeorm)/' },
      'The database lives in engine/store.',
    ),
    rule(
      'queue-only-in-queue',
      { pathNot: '^engine/durable/graphile\\.ts$' },
      { path: '^node_modules/graphile-worker/' },
      'The queue lives in engine/durable/graphile.ts.',
    ),
    rule(
      'redis-only-in-shared',
      { pathNot: '^engine/machine/redis/' },
      { path: '^node_modules/(ioredis|rate-limiter-flexible)/' },
      'Redis lives in engine/machine/redis.',
    ),
    rule(
      'one-place-spawns',
      { pathNot: '^engine/base/process\\.ts$' },
      { path: '^(node:)?child_process$' },
      'Spawn through engine/base/process.ts.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|test)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['require', 'node', 'default'] },
  },
};
