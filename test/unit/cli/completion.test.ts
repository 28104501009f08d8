/** Completion as the shells do it: bash at a terminal, zsh at one of its own, fish by its own question. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { completionOf } from '../../../cli/commands/completion';
import { operationStatuses } from '../../../engine';
import { buildProgram } from '../../../cli/program';

// shells start slowly where the machine is busy
const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-completion-'));
const file = (shell: Shell): string => path.join(dir, `completion.${shell}`);
for (const shell of shells) writeFileSync(file(shell), completionOf(shell, buildProgram()));
writeFileSync(path.join(dir, 'today.backup'), '');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const isThere = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

/** What a shell offers behind a line. */
const offers = {
  bash: (line: string): string[] => {
    const words = line
      .split(' ')
      .flatMap((word) => word.split(/(=)/).filter((part, at) => part !== '' || at === 0));
    const script = `cd ${dir}; source ${file('bash')}
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _webhoster; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return lines(execFileSync('bash', ['--norc', '-c', script]));
  },
  fish: (line: string): string[] => {
    const script = `cd ${dir}; source ${file('fish')}; complete -C '${line}'`;
    const text = execFileSync('fish', ['--no-config', '-c', script], { env: { ...process.env, HOME: dir } });
    return lines(text).map((each) => each.split('\t')[0] ?? '');
  },
};

function lines(output: Buffer): string[] {
  return output.toString().split('\n').filter(Boolean);
}

const wanted: [string, string[]][] = [
  ['webhoster pl', ['plan']],
  ['webhoster log', ['login', 'logout']],
  ['webhoster runs ', ['list', 'show']],
  ['webhoster runs show --fol', ['--follow']],
  ['webhoster runs --lim', ['--limit']],
  ['webhoster operations --status ', [...operationStatuses]],
  ['webhoster operations --status st', ['stuck']],
  ['webhoster operations --status stuck --js', ['--json']],
  ['webhoster plan --url http-of-something --te', ['--text']],
  ['webhoster --url plan --loc', ['--local']],
  // the address of the service, and not the command, which has no such option
  ['webhoster --url plan --ver', ['--version']],
  ['webhoster image build de', ['debian-13']],
  ['webhoster completion ', ['bash', 'zsh', 'fish']],
  ['webhoster backup tod', ['today.backup']],
  ['webhoster backup --ur', []],
  ['webhoster plan nonsense', []],
];

describe.each(shells)('%s', (shell) => {
  // Debian has all three; where one is not installed, nobody can ask it
  const itIsThere = isThere(shell) ? it : it.skip;

  itIsThere('takes the script for a script', () => {
    execFileSync(shell, ['-n', file(shell)]);
  });

  const offered = shell === 'zsh' ? null : offers[shell];
  if (offered !== null)
    itIsThere.each(wanted)('offers behind "%s" %j', (line, words) => {
      expect([...new Set(offered(line))].sort()).toEqual([...words].sort());
    });
});

it('bash completes --name=value, too', () => {
  expect(offers.bash('webhoster operations --status=st')).toEqual(['stuck']);
  expect(offers.bash('webhoster operations --status=stuck --js')).toEqual(['--json']);
});

/** How each shell is started at a terminal. */
const atTerminal = {
  bash: ['bash --norc -i', `source ${file('bash')}`],
  zsh: ['zsh -f -i', `autoload -Uz compinit; compinit -D -u; source ${file('zsh')}`],
} as const;

describe.each(['bash', 'zsh'] as const)('%s at a terminal, where somebody presses the tab', (shell) => {
  const [start, prepare] = atTerminal[shell];
  (isThere(shell) ? it : it.skip).each([
    ['operat\t--stat\tstu\t', 'operations --status stuck'],
    ['ru\tsh\t--fol\t', 'runs show --follow'],
    ['image bu\tmic\t', 'image build micro'],
    ['plan --url http-of-something --te\t', 'plan --url http-of-something --text'],
    ['--url plan --loc\t', '--url plan --local'],
    ['backup tod\t', 'backup today.backup'],
  ])('%j becomes "%s"', (keys, called) => {
    const input = `webhoster() { echo "called: $*."; }; ${prepare}\nwebhoster ${keys}\nexit\n`;
    const { stdout } = spawnSync('script', ['-qec', start, '/dev/null'], {
      input,
      cwd: dir,
      timeout: 20_000,
    });
    expect(stdout.toString()).toMatch(new RegExp(`called: ${called} ?\\.`));
  });
});
