/** A tenant's web server that says anything, and a proxy in front that shares connections; and what such a tenant says. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { buildGo, type GoProgram } from './go-program';

export const buildTenant = (): Promise<GoProgram> => buildGo('tenant');

/** Runs it until it is stopped; returns when it listens. */
export async function runTenant(file: string, ...args: string[]): Promise<{ stop: () => void }> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', () => {
      resolve();
    });
    child.once('exit', (code) => {
      reject(new Error(`tenant ${args.join(' ')} ended with ${code}`));
    });
  });
  return { stop: () => child.kill('SIGKILL') };
}

/** Bytes, or milliseconds that pass. */
type Words = readonly (string | number)[];

/** The path by which the tenant's server is asked to say this. */
export function pathThatSays(words: Words): string {
  const parts = words.map((word) =>
    typeof word === 'number' ? String(word) : Buffer.from(word, 'latin1').toString('base64url'),
  );
  return `/say/${parts.join('.')}`;
}

const body = '<h1>stolen</h1>';
/** A whole answer, and what makes it wrong somebody else's. */
export const stolen = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const ok = 'HTTP/1.1 200 OK\r\n';
/** Long enough for the visitor's answer to be read, and for the connection to be somebody else's. */
const pause = 150;
const then = [pause, stolen, pause, stolen] as const;

/** What Nginx by itself would pass on, as the whole answer or as none: these must be 502. */
export const noAnswers: readonly [string, Words][] = [
  ...[100, 102, 103, 104, 150, 199].map((status): [string, Words] => [
    `${status} and then two answers`,
    [`HTTP/1.1 ${status} Early\r\nX-Early: 1\r\n\r\n`, stolen, ...then],
  ]),
  ['100 with a length', ['HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello', ...then]],
  [
    '100 in chunks',
    ['HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', ...then],
  ],
  ['100 by HTTP/1.0', ['HTTP/1.0 100 Continue\r\n\r\n', ...then]],
  ['100 and nothing more', ['HTTP/1.1 100 Continue\r\n\r\n']],
  ['101 that nobody asked for', ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n', ...then]],
  ['000', ['HTTP/1.1 000 Nothing\r\n\r\n', ...then]],
  ['099', ['HTTP/1.1 099 Less\r\n\r\n', ...then]],
  ['a line of text', ['hello\r\n', ...then]],
  ['an empty line', ['\r\n', ...then]],
  ['a space first', [` ${stolen}`, ...then]],
  ['HTML', ['<h1>hello</h1>', ...then]],
  ['HTTP/0.9', ['HTTP/0.9 200 OK\r\n\r\n', ...then]],
  ['HTTP in small letters', ['http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', ...then]],
  ['ICY', ['ICY 200 OK\r\n\r\n', ...then]],
  ['no version', ['HTTP/ 200 OK\r\n\r\n', ...then]],
  ['HTTP/2', ['HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n', ...then]],
  ['a status of two digits', ['HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n', ...then]],
  ['a status of four', ['HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n', ...then]],
  ['a status in words', ['HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n', ...then]],
  ['a bare CR in the reason', ['HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n', ...then]],
  ['a NUL in a header', [`${ok}X-A: a\0b\r\nContent-Length: 0\r\n\r\n`, ...then]],
  ['a space in a header name', [`${ok}X A: b\r\nContent-Length: 0\r\n\r\n`, ...then]],
];

/** What has more in it than one answer: whatever of it is shown, the next visitor gets their own. */
export const oddAnswers: readonly [string, Words][] = [
  ['more than its length', [`${ok}Content-Length: 2\r\n\r\nok`, stolen, ...then]],
  ['more than its length, later', [`${ok}Content-Length: 2\r\n\r\nok`, ...then]],
  ['less than its length', [`${ok}Content-Length: 9\r\n\r\nok`]],
  ['two lengths', [`${ok}Content-Length: 2\r\nContent-Length: 60\r\n\r\nok`, ...then]],
  ['two lengths in one', [`${ok}Content-Length: 2, 60\r\n\r\nok`, ...then]],
  ['a length and chunks', [`${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, ...then]],
  [
    'chunks and a length',
    [`${ok}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n`, ...then],
  ],
  [
    'chunked twice',
    [`${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, ...then],
  ],
  ['another encoding', [`${ok}Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, ...then]],
  ['gzip and chunked', [`${ok}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, ...then]],
  ['a chunk without end', [`${ok}Transfer-Encoding: chunked\r\n\r\nffff\r\nok`, ...then]],
  ['a chunk size that is none', [`${ok}Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n`, ...then]],
  ['a length that is none', [`${ok}Content-Length: 1x\r\n\r\nab`, ...then]],
  ['a negative length', [`${ok}Content-Length: -1\r\n\r\nok`, ...then]],
  ['a length with a sign', [`${ok}Content-Length: +2\r\n\r\nok`, ...then]],
  ['204 with a body', ['HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok', ...then]],
  [
    '204 in chunks',
    ['HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', ...then],
  ],
  ['304 with a body', ['HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok', ...then]],
  ['205 with a body', ['HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok', ...then]],
  ['until the end', [`${ok}Content-Type: text/plain\r\n\r\nok`, ...then]],
  ['999', ['HTTP/1.1 999 Enough\r\nContent-Length: 2\r\n\r\nok', ...then]],
  ['HTTP/9.9', ['HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nok', ...then]],
  ['a folded header', [`${ok}X-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok`, ...then]],
  ['a header without a colon', [`${ok}X-A\r\nContent-Length: 2\r\n\r\nok`, ...then]],
  ['only line feeds', ['HTTP/1.1 200 OK\nContent-Length: 2\n\nok', ...then]],
  [
    'Connection: keep-alive',
    [`${ok}Connection: keep-alive\r\nKeep-Alive: timeout=99\r\nContent-Length: 2\r\n\r\nok`, ...then],
  ],
  [
    'an upgrade that nobody asked for',
    [`${ok}Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok`, ...then],
  ],
  [
    'a trailer',
    [`${ok}Transfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n2\r\nok\r\n0\r\nX-A: b\r\n\r\n`, ...then],
  ],
];
