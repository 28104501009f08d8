/** What a guest may answer. */
import { gzipSync } from 'node:zlib';
import { type Case, originOf, type Way } from './case';
import { bytes } from './requests';
import { chunked, type Header, type Message, valueOf } from './wire';

type Head = readonly (Header | readonly [name: string, value: (asked: Message) => string])[];

/** @param said  the body's parts; null leaves out body and length */
function answer(status: string, headers: Head, said: readonly string[] | null = ['ok']): Case['answer'] {
  return (asked) => {
    const own = headers.map(
      ([name, value]) => [name, typeof value === 'string' ? value : value(asked)] as const,
    );
    const isFramed = own.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
    const length =
      said === null || isFramed ? [] : [['Content-Length', String(said.join('').length)] as const];
    const lines = [['Server', 'echo'], ['Date', 'then'], ...own, ...length].map(
      ([name = '', value = '']) => `${name}: ${value}\r\n`,
    );
    const [first = '', ...later] = said ?? [];
    return [`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${first}`, ...later];
  };
}

const one =
  (group: string) =>
  (name: string, given: Case['answer'], more: Partial<Case> = {}): Case => ({
    group,
    name,
    ask: {},
    answer: given,
    ...more,
  });
const status = one('Answers');
const header = one('Headers of answers');
const body = one('Bodies of answers');
const h1 = { onlyHttp1: true } as const;
const chunks: Header = ['Transfer-Encoding', 'chunked'];

export const answers: readonly Case[] = [
  ...[
    '200 OK',
    '201 Created',
    '299 As I Like',
    '400 Bad Request',
    '401 Unauthorized',
    '404 Not Found',
    '413 Too Large',
    '418 I am a teapot',
    '421 Misdirected Request',
    '426 Upgrade Required',
    '429 Too Many Requests',
    '500 Internal Server Error',
    '502 Bad Gateway',
    '503 Service Unavailable',
    '504 Gateway Timeout',
    '599 Last',
  ].map((each) => status(each, answer(each, []))),
  status('204 No Content', answer('204 No Content', [], null)),
  status(
    '206 Partial Content',
    answer('206 Partial Content', [
      ['Content-Range', 'bytes 0-1/10'],
      ['Accept-Ranges', 'bytes'],
    ]),
    { ask: { headers: [['range', 'bytes=0-1']] } },
  ),
  status('304 Not Modified', answer('304 Not Modified', [['ETag', '"a"']], null), {
    ask: { headers: [['if-none-match', '"a"']] },
  }),
  status('200 to a condition that holds', answer('200 OK', [['ETag', '"a"']]), {
    ask: { headers: [['if-none-match', '"a"']] },
  }),
  status('416 Range Not Satisfiable', answer('416 Range Not Satisfiable', [['Content-Range', 'bytes */10']])),
  status('100 Continue, not asked for', (asked) => [
    `HTTP/1.1 100 Continue\r\n\r\n${answer('200 OK', [])(asked).join('')}`,
  ]),
  status('103 Early Hints', (asked) => [
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer('200 OK', [])(asked).join('')}`,
  ]),
  status('HTTP/1.0', () => ['HTTP/1.0 200 OK\r\nServer: echo\r\nDate: then\r\nContent-Length: 2\r\n\r\nok']),

  header('20 KiB in one', answer('200 OK', [['X-A', 'b'.repeat(20_000)]])),
  header(
    '20 KiB in a hundred',
    answer(
      '200 OK',
      Array.from({ length: 100 }, (_, n): Header => [`X-A-${n}`, 'b'.repeat(200)]),
    ),
  ),
  header(
    'cookies',
    answer('200 OK', [
      ['Set-Cookie', 'a=1; Path=/; HttpOnly'],
      ['Set-Cookie', 'b=2; Path=/blog; Domain=example.org'],
      ['Set-Cookie', 'c=3; Secure; SameSite=None'],
    ]),
  ),
  header(
    'caching',
    answer('200 OK', [
      ['Cache-Control', 'max-age=60'],
      ['Vary', 'Accept-Encoding'],
      ['Vary', 'Cookie'],
      ['Expires', '0'],
      ['Age', '1'],
      ['Last-Modified', 'Thu, 01 Jan 1970 00:00:00 GMT'],
    ]),
  ),
  header(
    'CORS and CSP',
    answer('200 OK', [
      ['Access-Control-Allow-Origin', '*'],
      ['Content-Security-Policy', "default-src 'self'"],
      ['X-Frame-Options', 'DENY'],
    ]),
  ),
  header(
    'underscores, dots, UTF-8',
    answer('200 OK', [
      ['x_a', '1'],
      ['x.b', '2'],
      ['X-C', bytes('한글')],
    ]),
  ),
  header(
    'WWW-Authenticate, twice',
    answer('401 Unauthorized', [
      ['WWW-Authenticate', 'Basic realm="a"'],
      ['WWW-Authenticate', 'Bearer'],
    ]),
  ),
  header('none of its own', () => ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok']),
  header(
    'X-Accel-…, which speak to Nginx',
    answer('200 OK', [
      ['X-Accel-Redirect', '/'],
      ['X-Accel-Buffering', 'yes'],
      ['X-Accel-Limit-Rate', '1'],
    ]),
  ),
  header('Strict-Transport-Security', answer('200 OK', [['Strict-Transport-Security', 'max-age=1']])),
  header('Connection: close', answer('200 OK', [['Connection', 'close']]), h1),

  body('HEAD', answer('200 OK', [['Content-Length', '1000']], null), { ask: { method: 'HEAD' } }),
  body('chunks', answer('200 OK', [chunks], [chunked(['a', 'b'.repeat(70_000)]).join('')])),
  body('until the end', () => ['HTTP/1.1 200 OK\r\nServer: echo\r\nDate: then\r\n\r\nok']),
  body(
    'compressed',
    answer('200 OK', [['Content-Encoding', 'gzip']], [gzipSync('a'.repeat(1_000)).toString('latin1')]),
  ),
  body('compressed, not asked for', answer('200 OK', [['Content-Encoding', 'br']], ['not truly'])),
  body('8 MiB', answer('200 OK', [], ['0123456789abcdef'.repeat(8 * 65_536)])),
  body(
    'events, one after the other',
    answer(
      '200 OK',
      [['Content-Type', 'text/event-stream'], chunks],
      chunked(['data: 1\n\n', 'data: 2\n\n']),
    ),
    { ask: { headers: [['accept', 'text/event-stream']] } },
  ),
  body('chunks, one after the other', answer('200 OK', [chunks], chunked(['1', '2']))),
  body('a length, in parts', answer('200 OK', [], ['1', '2'])),
  body(
    'chunks and trailers',
    answer('200 OK', [chunks, ['Trailer', 'X-Sum']], [chunked(['a'], [['X-Sum', '1']]).join('')]),
    h1,
  ),
  body('HTTP/1.0 asks, chunks answer', answer('200 OK', [], ['a']), { ask: { version: '1.0' }, ...h1 }),

  ...redirects(),
  ...upgrades(),
];

function redirects(): Case[] {
  const redirect = one('Redirects');
  const to = (where: Header[1] | ((asked: Message) => string), name = 'Location'): Case['answer'] =>
    answer('302 Found', [[name, where] as Head[number]]);
  const hostOf = ({ headers }: Message): string => (valueOf(headers, 'host') ?? '').replace(/:\d+$/, '');
  const itself = (rest: string) => (way: Way) => `${originOf(way)}${way.prefix}${rest}`;
  return [
    redirect('a', to('a'), { leadsTo: () => 'a' }),
    redirect('../a?x=1#y', to('../a?x=1#y'), { leadsTo: () => '../a?x=1#y' }),
    redirect('?x=1', to('?x=1'), { leadsTo: () => '?x=1' }),
    redirect('/blog/', to('/blog/'), { leadsTo: ({ prefix }) => `${prefix}/blog/` }),
    redirect('/', to('/'), { leadsTo: ({ prefix }) => `${prefix}/` }),
    redirect('/7/blog/, prefixed by itself', to('/7/blog/'), { leadsTo: () => '/7/blog/' }),
    redirect(
      'http://HOST/blog/, as Nginx and Apache write it',
      to((asked) => `http://${hostOf(asked)}/blog/`),
      { leadsTo: itself('/blog/') },
    ),
    redirect(
      'http://HOST',
      to((asked) => `http://${hostOf(asked)}`),
      { leadsTo: itself('/') },
    ),
    redirect(
      'http://HOST?x=1',
      to((asked) => `http://${hostOf(asked)}?x=1`),
      { leadsTo: itself('/?x=1') },
    ),
    redirect(
      'http://HOST:PORT/a%2Fb, as asked',
      to((asked) => `http://${valueOf(asked.headers, 'host') ?? ''}/a%2Fb`),
      { leadsTo: itself('/a%2Fb') },
    ),
    redirect(
      '//HOST/a',
      to((asked) => `//${hostOf(asked)}/a`),
      { leadsTo: itself('/a') },
    ),
    redirect(
      'http://10.90.0.2/a, its own address',
      to(() => `http://127.0.0.5/a`),
      { leadsTo: itself('/a') },
    ),
    redirect(
      'scheme, host and port as it was told',
      to(
        ({ headers }) =>
          `${valueOf(headers, 'x-forwarded-proto') ?? 'http'}://${valueOf(headers, 'x-forwarded-host') ?? ''}${valueOf(headers, 'x-forwarded-prefix') ?? ''}/a`,
      ),
      { leadsTo: itself('/a') },
    ),
    redirect(
      'http://HOST:3000/a, another port',
      to((asked) => `http://${hostOf(asked)}:3000/a`),
      { leadsTo: ({ host }) => `http://${host.replace(/:\d+$/, '')}:3000/a` },
    ),
    redirect('https://other.example/a', to('https://other.example/a'), {
      leadsTo: () => 'https://other.example/a',
    }),
    redirect(
      'Refresh: 1; url=http://HOST/a',
      to((asked) => `1; url=http://${hostOf(asked)}/a`, 'Refresh'),
    ),
    redirect('/blog without its slash, to a browser', to('/blog/'), {
      ask: { target: '/blog', headers: [['accept', 'text/html']] },
      leadsTo: ({ prefix }) => `${prefix}/blog/`,
    }),
  ];
}

function upgrades(): Case[] {
  const upgrade = one('Upgrades');
  const asking = (to: string) => ({
    headers: [
      ['connection', 'Upgrade'],
      ['upgrade', to],
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ['sec-websocket-version', '13'],
    ] as const,
  });
  const switched: Case['answer'] = ({ headers }) => {
    const to = valueOf(headers, 'upgrade');
    return to === undefined
      ? answer('200 OK', [])({} as Message)
      : [
          `HTTP/1.1 101 Switching Protocols\r\nServer: echo\r\nDate: then\r\nUpgrade: ${to}\r\nConnection: Upgrade\r\n\r\n`,
        ];
  };
  return [
    upgrade('WebSocket, bytes both ways', switched, { ask: asking('websocket'), ...h1 }),
    upgrade('h2c', switched, { ask: asking('h2c'), ...h1 }),
  ];
}
