/** Every command by itself: what its help says, and how it ends when it is used wrongly. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CommanderError, type Command } from 'commander';
import { everyCommand, exitCodeTable, factsOf, usageCodeOf } from '../../../cli/facts';
import { buildProgram } from '../../../cli/program';
import { projectRoot } from '../../../engine/base/project';

const commands = everyCommand(buildProgram());
const machineOnly =
  'admin adopt audit backup doctor eject image keys node restore service sleep token version wake'.split(' ');

it('there is every command', () => {
  const names = commands.map(({ name }) => name.replace(/^webhoster ?/, ''));
  expect(names.filter((name) => !name.includes(' ')).sort()).toEqual(
    [
      '',
      'apply',
      'completion',
      'drift',
      'label',
      'login',
      'logout',
      'operations',
      'plan',
      'runs',
      'teardown',
      ...machineOnly,
    ].sort(),
  );
  expect(names).toEqual(
    expect.arrayContaining(['runs list', 'runs show', 'image build', 'service purge-stacks']),
  );
});

describe.each(commands)('$name', ({ name, command }) => {
  const facts = factsOf(command);

  it('has a description, and so has each of its options and arguments', () => {
    expect(command.description()).toMatch(/^[A-Z][\S\s]{10,}/);
    for (const { description } of [...command.options, ...command.registeredArguments])
      expect(description).toMatch(/\S{2,}/);
  });

  it('has examples that call it, with options that it has', () => {
    expect(facts?.examples.length).toBeGreaterThan(0);
    const called = facts!.examples.filter((example) => `${example} `.includes(`${name} `));
    expect(called.length).toBeGreaterThan(0);
    const known = [...command.options, ...buildProgram().options].map(({ long }) => long);
    const below = command.commands.length > 0 || name === 'webhoster';
    for (const example of below ? [] : called)
      for (const [option] of example.matchAll(/--[a-z-]+/g)) expect([...known, '--fix']).toContain(option);
  });

  it('has exit codes, where 0 is good and 2, or 1, wrong usage', () => {
    expect(Object.keys(facts?.exitCodes ?? {})).toEqual(
      expect.arrayContaining(['0', String(usageCodeOf(command))]),
    );
    expect(facts!.exitCodes[usageCodeOf(command)]).toContain('wrong usage');
    const overApi = facts!.where === 'anywhere' || name === 'webhoster login';
    expect([3, 4].every((code) => code in facts!.exitCodes)).toBe(overApi);
  });

  it('says all that in its help, and where it works', () => {
    const help = helpOf(command);
    for (const example of facts!.examples) expect(help).toContain(`  ${example}\n`);
    for (const [code, text] of Object.entries(facts!.exitCodes))
      expect(help).toContain(`  ${code}  ${text}\n`);
    const group = name.split(' ')[1] ?? '';
    expect(help.includes('Works only on the machine of the service.')).toBe(machineOnly.includes(group));
  });

  it('ends with its code for wrong usage', async () => {
    const thrown = await run([...name.split(' ').slice(1), '--no-such-option']);
    expect([thrown.exitCode, thrown.code]).toEqual([usageCodeOf(command), 'commander.unknownOption']);
  });
});

it.each(
  commands.filter(({ command }) => factsOf(command)?.where === 'machine' && command.commands.length === 0),
)('$name refuses --url, and says where it works', async ({ name, command }) => {
  const args = command.registeredArguments.map((each) => each.argChoices?.[0] ?? 'x');
  const thrown = await run([...name.split(' ').slice(1), ...args, '--url', 'http://127.0.0.1:9']);
  expect(thrown.message).toContain(`${name} works only on the machine of the service: run it there`);
  expect(thrown.exitCode).toBe(2);
});

it.each([
  [['plan', 'a', '--new', 'b'], 1],
  [['operations', '--limit', '0'], 2],
  [['operations', '--status', 'lost'], 2],
  [['teardown'], 2],
  [['teardown', 'a', '--all'], 2],
  [['teardown', '--all', '--offline', '--url', 'http://127.0.0.1:9'], 2],
  [['teardown', '--older-than', '5y'], 2],
  [['runs', 'show'], 2],
  [['login', '--local'], 2],
  [['completion', 'tcsh'], 2],
  [['nonsense'], 2],
])('%j is wrong usage', async (args, exitCode) => {
  expect((await run(args)).exitCode).toBe(exitCode);
});

it('docs/cli.md has the exit codes of every command', () => {
  const documented = readFileSync(path.join(projectRoot, 'docs/cli.md'), 'utf8');
  const cells = (text: string): string[] =>
    text.split('\n').map((line) => line.replace(/ +\|/g, ' |').replace(/-+/g, '-'));
  const lines = cells(documented);
  for (const row of cells(exitCodeTable(buildProgram()).join('\n'))) expect(lines).toContain(row);
});

async function run(args: string[]): Promise<CommanderError> {
  const program = buildProgram();
  for (const { command } of everyCommand(program))
    command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  return program.parseAsync(['node', 'webhoster', ...args]).then(
    () => Promise.reject(new Error('it went well')),
    (thrown: unknown) => {
      if (thrown instanceof CommanderError) return thrown;
      throw thrown;
    },
  );
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (more) => (text += more) });
  command.outputHelp();
  return text;
}
