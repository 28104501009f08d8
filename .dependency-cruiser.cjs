// The direction of the code, checked on every run of `npm run check`:
// api -> engine/index -> stacks/index; foreign libraries and spawning have one home each.
const rule = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });

// Who may import whom inside the engine. A room that is not named may not be imported; to name one more is a decision.
// Libraries may be imported file by file, features by their door (index.ts) alone.
const libraries = {
  base: [],
  model: ['base'],
  machine: ['base', 'model'],
  store: ['base', 'model', 'machine'],
};
const features = {
  durable: [],
  audit: [],
  accounts: ['durable'],
  stack: ['durable'],
  node: ['durable', 'stack'],
  hostings: ['durable', 'audit', 'stack', 'node'],
  sleep: ['durable', 'stack', 'hostings'],
  certificates: ['durable', 'hostings'],
  plans: ['durable', 'stack', 'hostings', 'sleep'],
  ejection: ['durable', 'audit', 'stack', 'hostings', 'sleep'],
  sweep: ['durable', 'audit', 'stack', 'hostings', 'plans'],
  monitoring: ['durable', 'sweep'],
};
// They connect the features, and import any of them.
const above = { operator: ['start'], backup: ['start', 'operator'] };

const roomsBelow = { ...libraries };
for (const [room, others] of Object.entries(features))
  roomsBelow[room] = [...Object.keys(libraries), ...others];
for (const [room, others] of Object.entries(above))
  roomsBelow[room] = [...Object.keys(libraries), ...Object.keys(features), ...others];

const rooms = [...Object.keys(features), ...Object.keys(above)].join('|');
const notTheDoor = `^engine/(${rooms})/(?!index\\.ts$)`;

// Tests use the doors, too. Two layers look behind them: unit tests of a room, and contract tests. Others get through
// these files alone, for the reason that stands in each.
const testsOfRooms = '^test/(unit/engine|contract)/';
const openings = {
  archives: 'backup/(archive-reader|archive-writer|load-database|manifest)',
  certificates: 'certificates/(certificate|obtain)',
};

const imports = Object.entries(roomsBelow).map(([room, others]) =>
  rule(
    `engine-${room}`,
    { path: `^engine/${room}/` },
    { path: '^engine/', pathNot: `^engine/(${[room, ...others].join('|')})(/|\\.ts$)` },
    `See the table in .dependency-cruiser.cjs: what ${room} may import.`,
  ),
);

module.exports = {
  forbidden: [
    ...imports,
    rule(
      'features-have-one-door',
      { path: '^engine/([^/]+)' },
      { path: notTheDoor, pathNot: '^engine/$1/' },
      'Import the feature by its index.ts, not a file inside it.',
    ),
    rule(
      'tests-use-the-doors',
      { path: '^test/', pathNot: [testsOfRooms, `^test/support/(${Object.keys(openings).join('|')})\\.ts$`] },
      { path: notTheDoor },
      'Import the feature by its index.ts, not a file inside it.',
    ),
    ...Object.entries(openings).map(([name, files]) =>
      rule(
        `opening-for-${name}`,
        { path: `^test/support/${name}\\.ts$` },
        { path: notTheDoor, pathNot: `^engine/${files}\\.ts$` },
        'See the table in .dependency-cruiser.cjs: what tests may take from behind a door.',
      ),
    ),
    rule(
      'unit-tests-stay-in-their-room',
      { path: '^test/unit/engine/([^/]+)/' },
      { path: notTheDoor, pathNot: '^engine/$1/' },
      'A unit test looks behind the door of its own room only.',
    ),
    rule(
      'engine-has-no-other-room',
      {},
      { path: `^engine/(?!(${Object.keys(roomsBelow).join('|')})/|(index|start|engine)\\.ts$)` },
      'At the root are index.ts, start.ts and engine.ts; a new room needs a line in the table.',
    ),
    rule('no-circular', { pathNot: '^test/' }, { circular: true }, 'A cycle means that two modules are one.'),
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
      { pathNot: ['^stacks/', '^test/'] },
      { path: '^node_modules/(cdktf|cdktn|constructs)/' },
      'cdktf must stay a one-line swap.',
    ),
    rule(
      'express-only-in-api',
      { pathNot: ['^api/', '^test/'] },
      { path: '^node_modules/(express|helmet|prom-client|swagger-ui-dist)/' },
      'HTTP lives in api/.',
    ),
    rule(
      'typeorm-only-in-store',
      { pathNot: ['^engine/store/', '^test/'] },
      { path: '^node_modules/(typeorm)/' },
      'The database lives in engine/store.',
    ),
    rule(
      'queue-only-in-queue',
      { pathNot: ['^engine/durable/graphile\\.ts$', '^test/'] },
      { path: '^node_modules/graphile-worker/' },
      'The queue lives in engine/durable/graphile.ts.',
    ),
    rule(
      'redis-only-in-shared',
      { pathNot: ['^engine/machine/redis/', '^test/'] },
      { path: '^node_modules/(ioredis|rate-limiter-flexible)/' },
      'Redis lives in engine/machine/redis.',
    ),
    rule(
      'one-place-spawns',
      { pathNot: ['^engine/base/process\\.ts$', '^test/'] },
      { path: '^(node:)?child_process$' },
      'Spawn through engine/base/process.ts.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['require', 'node', 'default'] },
  },
};
