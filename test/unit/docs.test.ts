/** What the documents tell people to type: it can be read by a shell, and what it names is there. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { routes } from '../../api/routes';
import { everyCommand } from '../../cli/facts';
import { buildProgram } from '../../cli/program';
import { settingNames } from '../../engine';
import { removeScratch, scratchDir } from './engine/support';
import { commandBlocks, documents, fences } from '../support/docs/blocks';

afterAll(removeScratch);

const root = path.join(__dirname, '../..');
const blocks = commandBlocks();
const named = blocks.map((block) => ({ ...block, name: `${block.file} ${block.nth}` }));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

it('there are blocks, and each is of a language that is known', () => {
  expect(blocks.length).toBeGreaterThan(40);
  const known = ['sh', 'bash', 'zsh', 'fish', 'dotenv', 'mermaid', 'sql', 'text', ''];
  for (const file of documents())
    for (const { language } of fences(file)) expect([file, known.includes(language)]).toEqual([file, true]);
});

it.each(named)('$name can be read by its shell', ({ shell, text }) => {
  const program = shell === 'sh' ? 'bash' : shell;
  const file = path.join(scratchDir(), 'block');
  writeFileSync(file, text);
  const { status, stderr } = spawnSync(program, ['-n', file], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

/** Words of each command of a block, without what only a shell reads. */
function commandsOf(text: string): string[][] {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, ''))
    .flatMap((line) => line.split(/&&|\|\||[|;]|<\(|\$\(/))
    .map((line) => line.trim().split(/\s+/));
}

it.each(named)('$name calls only commands, options, scripts and addresses that there are', ({ text }) => {
  const known = new Map(everyCommand(buildProgram()).map(({ name, command }) => [name, command]));
  for (const words of commandsOf(text)) {
    const at = words.findIndex((word) => /(^|\/)webhoster$/.test(word));
    if (at === -1) continue;
    const rest = words.slice(at + 1);
    const name = ['webhoster', rest[0], rest[1]].join(' ');
    const command = known.get(name) ?? known.get(`webhoster ${rest[0] ?? ''}`);
    expect([words.join(' '), command !== undefined]).toEqual([words.join(' '), true]);
    const options = [command, command?.parent].flatMap((each) => each?.options ?? []).map(({ long }) => long);
    for (const option of rest.join(' ').match(/--[a-z-]+/g) ?? [])
      expect([words.join(' '), option, [...options, '--url', '--local', '--help'].includes(option)]).toEqual([
        words.join(' '),
        option,
        true,
      ]);
  }
  for (const script of text.match(/(?<=^|\s)\.?\/?(?:opt\/vm-webhoster\/)?scripts\/[\w./-]+/gm) ?? [])
    expect([script, existsSync(path.join(root, script.replace(/^\/opt\/vm-webhoster\//, '')))]).toEqual([
      script,
      true,
    ]);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const [, script] of text.matchAll(/npm run (?:-s )?([\w:]+)/g))
    expect(Object.keys(scripts)).toContain(script);
  const paths = new Set(routes.map(({ path: at }) => at.replace(/\{\w+\}/g, 'X')));
  for (const [, at = ''] of text.matchAll(/(\/api\/v1\/[\w/-]+)/g))
    expect([at, paths.has(at.replace(/\/(ID|[0-9a-f-]{36})(?=\/|$)/g, '/X'))]).toEqual([at, true]);
});

it('settings in the documents are settings', () => {
  const known = new Set<string>([...settingNames, 'SSH_PORT_MIN']);
  for (const file of documents())
    for (const { language, text } of fences(file))
      if (language === 'dotenv')
        for (const [, name = ''] of text.matchAll(/^([A-Z_]+)=/gm))
          expect([file, name, known.has(name)]).toEqual([file, name, true]);
});

it('the cdktf command line that the documents name is the one that is tested with', () => {
  const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
  const [, version] = /cdktf-cli@([\d.]+) cdktf diff/.exec(read('docs/terraform.md')) ?? [];
  expect(`^${version}`).toBe(devDependencies['cdktf-cli']);
});

describe('README.ko.md says what README.md says', () => {
  const shapeOf = (file: string): string[] =>
    read(file)
      .replace(/^```(\w*)\n[^]*?^```$/gm, (_, language: string) => `<${language}>`)
      .split('\n')
      .flatMap((line) =>
        /^<\w*>$/.test(line)
          ? [line]
          : line.startsWith('|')
            ? [`row of ${line.split('|').length}`]
            : line.startsWith('#')
              ? ['#'.repeat(/^#+/.exec(line)?.[0].length ?? 0)]
              : [],
      );
  it('in the same order: headings, blocks and tables', () => {
    expect(shapeOf('README.ko.md')).toEqual(shapeOf('README.md'));
  });
  it('with the same commands', () => {
    const commands = (file: string): string[] =>
      fences(file)
        .filter(({ language }) => language === 'sh')
        .map(({ text }) => text.replace(/\s*#.*$/gm, '').replace(/<h1>.*?<\/h1>/, ''));
    expect(commands('README.ko.md')).toEqual(commands('README.md'));
  });
  it('with the same links', () => {
    const links = (file: string): string[] =>
      [...new Set([...read(file).matchAll(/\]\(([^)]+)\)/g)].map(([, to = '']) => to))]
        .filter((to) => !to.startsWith('README') && !to.startsWith('#'))
        .sort();
    expect(links('README.ko.md')).toEqual(links('README.md'));
  });
});
