/** The command blocks of the documents. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(__dirname, '../../..');

export interface Block {
  readonly file: string;
  /** Its place among the command blocks of the file, from 1. */
  readonly nth: number;
  readonly shell: 'sh' | 'bash' | 'zsh' | 'fish';
  readonly text: string;
  /** A reader sees it too: it is not meant to be pasted as it stands, and no test runs it. */
  readonly isExample: boolean;
}

export function documents(): string[] {
  const inDocs = readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md'));
  return [
    'README.md',
    'README.ko.md',
    'SECURITY.md',
    'images/README.md',
    ...inDocs.map((name) => `docs/${name}`),
  ];
}

/** Language and text of every fence. */
export function fences(file: string): { language: string; text: string }[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = '', inside = '']) => ({
    language,
    text: inside,
  }));
}

export function commandBlocks(): Block[] {
  return documents().flatMap((file) =>
    fences(file)
      .filter(({ language }) => ['sh', 'bash', 'zsh', 'fish'].includes(language))
      .map(({ language, text }, index) => ({
        ...{ file, nth: index + 1, shell: language as Block['shell'], text },
        isExample: /^# (For example,|예:)/.test(text),
      })),
  );
}
