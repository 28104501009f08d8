/** That the judge of the chaos runs can find somebody guilty, of each thing by itself. */
import { allCases, sampleOf } from '../../chaos/cases';
import type { Facts } from '../../chaos/facts';
import { judge } from '../../chaos/judge';
import { allRows } from '../../chaos/rows';
import type { Write } from '../../chaos/witness';
import { definitionOf } from '../../support/definitions';

const killedAt = 100_000;

function wrote(at: number, writer: string, claims: Partial<Write> = {}): Write {
  return { at, table: 'operation_steps', action: 'update', writer, owner: null, ...claims };
}

function claimed(at: number, writer: string, pid: number): Write {
  return wrote(at, writer, { table: 'leases', owner: `host:${pid}:abc` });
}

/** A worker (11) dies and another one (22) finishes what it began. */
function innocent(change: Partial<Facts> = {}): Facts {
  return {
    it: allCases(allRows(), 1, 1).find(({ faults }) => faults.length === 1)!,
    hosting: { id: 'h', vmName: 'vm-h', userId: 1, username: 'u' },
    operationId: 'o',
    hits: [{ at: killedAt, worker: { pid: 11, name: 'chaos-1' }, woken: null }],
    ended: 'ready',
    orphans: [],
    starts: [
      { at: killedAt - 500, parent: 11, what: 'terraform apply', double: false },
      { at: killedAt + 31_000, parent: 22, what: 'terraform apply', double: false },
    ],
    writes: [
      claimed(killedAt - 1_000, 'chaos-1', 11),
      wrote(killedAt - 900, 'chaos-1'),
      claimed(killedAt + 30_000, 'chaos-2', 22),
      wrote(killedAt + 30_500, 'chaos-2'),
      wrote(killedAt + 30_600, 'service'),
    ],
    runs: [
      { kind: 'apply', startedAt: killedAt - 500, finishedAt: null },
      { kind: 'apply', startedAt: killedAt + 31_000, finishedAt: killedAt + 33_000 },
    ],
    mostEmulators: 1,
    problems: [],
    seconds: 60,
    ...change,
  };
}

it('acquits a case that kept every promise, and measures how long nobody worked', () => {
  expect(judge(innocent())).toMatchObject({ passed: true, pickUps: [30], doubles: [], problems: [] });
});

const byName = (name: string): Facts['it'] =>
  allCases(allRows(), 1, 1).find((it) => it.name.startsWith(name))!;

it('lets a create end gone when it was to fail, or when Terraform was hit', () => {
  const failing = byName('create-hosting undo apply after');
  const hit = byName('create-hosting apply during, Terraform killed');
  expect(judge(innocent({ it: failing, ended: 'gone' })).passed).toBe(true);
  const hits = [{ at: killedAt, worker: null, woken: null }];
  expect(judge(innocent({ it: hit, ended: 'gone', hits })).passed).toBe(true);
});

const guilty: [string, Partial<Facts>, RegExp][] = [
  [
    'it was given up for the death of a worker',
    { it: byName('create-hosting apply before'), ended: 'gone' },
    /given up/,
  ],
  ['something is left', { orphans: ['domain vm-h'] }, /^$/],
  ['it ended neither ready nor gone', { ended: 'neither' }, /neither/],
  ['something did not come to its end', { problems: ['not within 300 s'] }, /not within/],
  ['nobody took over', { writes: innocent().writes.slice(0, 2) }, /not picked up/],
  [
    'somebody took over too late',
    { hits: [{ ...innocent().hits[0]!, at: killedAt - 5_100 }], writes: innocent().writes.slice(2) },
    /after 35.1 s/,
  ],
  [
    'a Terraform met another',
    { starts: [{ at: killedAt, parent: 11, what: 'terraform apply', double: true }] },
    /beside another/,
  ],
  [
    'a superseded worker started Terraform',
    { starts: [{ at: killedAt + 31_000, parent: 11, what: 'terraform init', double: false }] },
    /by 11 while 22/,
  ],
  [
    'a superseded worker wrote',
    { writes: [...innocent().writes, wrote(killedAt + 31_000, 'chaos-1')] },
    /chaos-1 did update/,
  ],
  ['two VMs ran for one hosting', { mostEmulators: 2 }, /2 VMs/],
  [
    'recorded runs overlap',
    {
      runs: [
        { kind: 'apply', startedAt: 1, finishedAt: 3 },
        { kind: 'destroy', startedAt: 2, finishedAt: 4 },
      ],
    },
    /destroy began before/,
  ],
  [
    'a woken worker was not refused',
    { hits: [{ ...innocent().hits[0]!, woken: { at: killedAt + 31_000, refused: false } }] },
    /not refused/,
  ],
];

it.each(guilty)('finds a case guilty when %s', (_, change, said) => {
  const { passed, doubles, problems } = judge(innocent(change));
  expect(passed).toBe(false);
  expect([...doubles, ...problems].join('; ')).toMatch(said);
});

it('kills the worker before, during and after every step and every undo that there is', () => {
  const kills = allRows().filter(({ victim, slow }) => victim === 'worker killed' && slow !== true);
  const steps = [definitionOf('create-hosting'), definitionOf('delete-hosting')].flatMap(
    ({ kind, steps: all }) =>
      all.flatMap(({ name, run, undo }) => [
        ...(run ? [`${kind} ${name}`] : []),
        ...(undo ? [`${kind} undo ${name}`] : []),
      ]),
  );
  expect(kills.map(({ operation, step, moment }) => `${operation} ${step} ${moment}`).sort()).toEqual(
    steps.flatMap((step) => ['before', 'during', 'after'].map((moment) => `${step} ${moment}`)).sort(),
  );
});

it('samples every kind of victim, and the same cases for the same seed', () => {
  for (let seed = 0; seed < 20; seed++) {
    const sample = sampleOf(allRows(), seed, 8);
    expect(sample).toHaveLength(8);
    expect(new Set(sample.map(({ victim }) => victim)).size).toBe(4);
    expect(sample).toEqual(sampleOf(allRows(), seed, 8));
  }
});
