/** The pages that Nginx shows by itself, and what it says of them. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Handlebars from 'handlebars';
import { templatesDir } from '../../base/project';
import type { ServiceFacts } from './landing-page';
import { defaultLimits, type ProxySettings } from './proxy-settings';

const pageNames = ['not-found', 'unreachable', 'silent', 'broken', 'too-large', 'too-many'] as const;

export async function preparePages(
  { dir, limits = defaultLimits }: ProxySettings,
  facts: ServiceFacts,
): Promise<void> {
  const pages = path.join(dir, 'pages', '_webhoster');
  const dirs = ['pages', 'pages/_webhoster', 'pages/_webhoster/refused', 'tmp'];
  for (const each of [dir, ...dirs.map((name) => path.join(dir, name))]) {
    await mkdir(each, { recursive: true });
    await chmod(each, 0o711);
  }
  await mkdir(path.join(dir, 'ssh'), { recursive: true, mode: 0o700 });
  await chmod(path.join(dir, 'ssh'), 0o700);
  const write = async (name: string, text: string): Promise<void> => {
    await writeFile(path.join(pages, name), text);
    await chmod(path.join(pages, name), 0o644);
  };
  const headers = await readFile(path.join(templatesDir, 'nginx/service-headers.conf'), 'utf8');
  const rendered = async (name: string): Promise<string> => {
    const source = await readFile(path.join(templatesDir, 'pages', `${name}.html.hbs`), 'utf8');
    return Handlebars.compile(source, { strict: true })({ ...facts, ...limits });
  };
  for (const name of pageNames) await write(`${name}.html`, await rendered(name));
  const broken = await rendered('broken');
  await write('refused/broken.html', broken);
  await write('refused/broken.http', withHeaders(broken, headers));
  await writeFile(path.join(dir, 'service-headers.conf'), headers);
}

/** A whole answer, for when Nginx takes that of a VM for HTTP/0.9 and sends no headers of its own. */
function withHeaders(html: string, conf: string): string {
  const added = [...conf.matchAll(/^add_header (\S+) "?(.*?)"? always;$/gm)].map(
    ([, name, value]) => `${name}: ${value}`,
  );
  const all = ['HTTP/1.1 502 Bad Gateway', 'Content-Type: text/html', 'Connection: close', ...added];
  return `${all.join('\r\n')}\r\n\r\n${html}`;
}
