/** `webhoster … | head`: whoever reads the output may stop reading at any time. */
import { spawn } from 'node:child_process';
import path from 'node:path';

const root = path.join(__dirname, '../../..');
const compiler = path.join(root, 'test/support/typescript.cjs');

/** Runs with an output that is closed before anything is said. */
function withoutReader(args: readonly string[]): Promise<{ code: number | null; told: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-r', compiler, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let told = '';
    child.stderr.on('data', (text: Buffer) => (told += String(text)));
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, told });
    });
  });
}

it.each([
  ['its help', ['--help']],
  ['a script that is longer than a pipe takes at once', ['completion', 'bash']],
])(
  'the program does not mind when nobody reads %s any more',
  async (_, args) => {
    expect(await withoutReader([path.join(root, 'cli/main.ts'), ...args])).toEqual({ code: 0, told: '' });
  },
  30_000,
);

it('nor does any command, and it works on to its end', async () => {
  const everything = `
    require('./cli/closed-output.ts').bearClosedOutput();
    const { everyCommand } = require('./cli/facts.ts');
    const { isOutputClosed } = require('./cli/closed-output.ts');
    const commands = everyCommand(require('./cli/program.ts').buildProgram());
    for (const { command } of commands) { command.outputHelp(); console.log(command.name()); }
    setTimeout(() => console.error(commands.length > 30 && isOutputClosed() ? 'done' : 'not seen'), 50);`;
  expect(await withoutReader(['-e', everything])).toEqual({ code: 0, told: 'done\n' });
}, 30_000);
