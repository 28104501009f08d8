/** What a visitor may send. The guest says the same to all of it. */
import type { Asking, Case } from './case';
import { chunked, type Header } from './wire';

/** Bytes of UTF-8, one character a byte, as they travel. */
export const bytes = (text: string): string => Buffer.from(text).toString('latin1');
const ok = (): string[] => ['HTTP/1.1 200 OK\r\nServer: echo\r\nDate: then\r\nContent-Length: 2\r\n\r\nok'];
const headless = (): string[] => [
  'HTTP/1.1 200 OK\r\nServer: echo\r\nDate: then\r\nContent-Length: 2\r\n\r\n',
];

const group =
  (name: string) =>
  (each: string, ask: Case['ask'], more: Partial<Case> = {}): Case => ({
    group: name,
    name: each,
    ask,
    answer: ok,
    ...more,
  });

const method = group('Methods');
const address = group('Addresses');
const header = group('Headers');
const body = group('Bodies');
const h1 = { onlyHttp1: true } as const;

const at = (target: string): Asking => ({ target });
const withHeaders = (...headers: Header[]): Asking => ({ headers });
const sized = (text: string, headers: readonly Header[] = []): Asking => ({
  method: 'POST',
  headers: [...headers, ['content-length', String(text.length)]],
  body: [text],
});
const inChunks = (parts: readonly string[], trailers: readonly Header[] = []): Asking => ({
  method: 'POST',
  headers: [['transfer-encoding', 'chunked']],
  body: chunked(parts, trailers),
});

export const requests: readonly Case[] = [
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'REPORT', 'M-SEARCH'].map((name) =>
    method(name, name === 'POST' ? sized('', []) : { method: name }),
  ),
  method('HEAD', { method: 'HEAD' }, { answer: headless }),
  method('TRACE', { method: 'TRACE' }),
  method('get, in small letters', { method: 'get' }),

  address('/', at('/')),
  address('/a%2Fb//c', at('/a%2Fb//c')),
  address('//a', at('//a')),
  address('/a/./b/../c', at('/a/./b/../c')),
  address('/a/%2e%2e/b', at('/a/%2e%2e/b')),
  address('/a/../../b, which climbs out', at('/a/../../b')),
  address('/a%20b+c', at('/a%20b+c')),
  address('/%ED%95%9C%EA%B8%80', at('/%ED%95%9C%EA%B8%80')),
  address('/%7euser, encoded without need', at('/%7euser')),
  address('/한글, not encoded', at(bytes('/한글'))),
  address("/a;v=1,2/b:c@d!$&'()*", at("/a;v=1,2/b:c@d!$&'()*")),
  address('/a|b{c}[d]^`"<>\\', at('/a|b{c}[d]^`"<>\\')),
  address('?x=1', at('/?x=1')),
  address('?, with nothing behind', at('/a?')),
  address('?? and =', at('/a??b==c&&d')),
  address('?to=%2F%3F&to=//x', at('/a?to=%2F%3F&to=//x')),
  address('/7/a, the number once more', at('/7/a')),
  address('7,000 characters', at(`/${'a'.repeat(7_000)}`)),
  address('/a%00', at('/a%00')),
  address('/a%zz', at('/a%zz')),
  address('/_webhoster/a', at('/_webhoster/a')),
  address('/.well-known/acme-challenge/a', at('/.well-known/acme-challenge/a')),
  address('the whole URL', ({ host, prefix }) => ({ target: `http://${host}${prefix}/a?x=1` }), h1),
  address('*', { method: 'OPTIONS', target: '*' }, h1),

  header('an underscore in a name', withHeaders(['api_key', '1'], ['x_a-b', '2'])),
  header('a dot in a name', withHeaders(['x.a', '1'])),
  header(
    'twice the same',
    withHeaders(['x-a', '1'], ['x-a', '2'], ['accept-language', 'ko'], ['accept-language', 'en']),
  ),
  header('UTF-8', withHeaders(['x-a', bytes('한글')])),
  header('an empty one', withHeaders(['x-a', ''])),
  header('20 KiB', withHeaders(['cookie', `a=${'b'.repeat(20_000)}`])),
  header(
    'a hundred',
    withHeaders(...Array.from({ length: 100 }, (_, n): Header => [`x-a-${n}`, 'b'.repeat(50)])),
  ),
  header(
    'cookies, credentials, kinds',
    withHeaders(
      ['cookie', 'a=1; b="2"'],
      ['authorization', 'Basic YTpi'],
      ['accept-encoding', 'gzip, br'],
      ['accept', 'text/html;q=0.5, */*'],
    ),
  ),
  header(
    'conditions',
    withHeaders(['if-none-match', '"a", W/"b"'], ['if-modified-since', 'Thu, 01 Jan 1970 00:00:00 GMT']),
  ),
  header('a range', withHeaders(['range', 'bytes=0-1'], ['if-range', '"a"'])),
  header('CORS', {
    method: 'OPTIONS',
    headers: [
      ['origin', 'https://a.example'],
      ['access-control-request-method', 'PUT'],
    ],
  }),
  header('the host in capitals', ({ host }) => ({ host: host.toUpperCase() }), h1),
  header(
    'Connection and Keep-Alive',
    withHeaders(['connection', 'keep-alive'], ['keep-alive', 'timeout=5']),
    h1,
  ),
  header('TE', withHeaders(['te', 'trailers'])),
  header(
    'who the visitor says it is',
    withHeaders(
      ['x-forwarded-for', '192.0.2.1'],
      ['x-forwarded-proto', 'gopher'],
      ['x-forwarded-host', 'evil.example'],
      ['x-forwarded-prefix', '/evil'],
      ['x-real-ip', '192.0.2.1'],
      ['forwarded', 'for=192.0.2.1'],
    ),
  ),
  header(
    'the same, with underscores',
    withHeaders(
      ['x_forwarded_for', '192.0.2.1'],
      ['x_forwarded-proto', 'gopher'],
      ['x-real_ip', '192.0.2.1'],
    ),
  ),

  body('a length', sized('a=1&b=2', [['content-type', 'application/x-www-form-urlencoded']])),
  body('a length, with GET', { ...sized('a=1'), method: 'GET' }),
  body('5 MiB', sized('0123456789abcdef'.repeat(5 * 65_536))),
  body('chunks', inChunks(['a=1', '&b=2', 'c'.repeat(70_000)])),
  body('no chunk', inChunks([])),
  body('chunks and trailers', inChunks(['a'], [['x-sum', '1']]), h1),
  body('slowly, in parts', { ...sized('ab'), body: ['a', 'b'] }),
  body('Expect: 100-continue', sized('abc', [['expect', '100-continue']]), h1),
  body('HTTP/1.0', { version: '1.0' }, h1),
  body('HTTP/1.0 without a host', { version: '1.0', host: '' }, h1),
];
