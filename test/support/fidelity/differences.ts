/**
 * Every difference that the proxy makes, and why it does. What is not listed fails the test, and so does an entry that
 * nothing shows any more. docs/fidelity.md is made of this list.
 */
import type { Case, Way } from './case';
import type { Difference } from './compare';
import { valueOf } from './wire';

export interface Listed {
  /** English, for the document. */
  readonly what: string;
  readonly why: string;
  readonly allows: (difference: Difference) => boolean;
  /** The table of the document leaves it out. */
  readonly isEverywhere?: true;
  /** Where it shows at times only. */
  readonly mayShow?: (one: Case) => boolean;
}

const header =
  (side: Difference['side'], ...names: string[]) =>
  (difference: Difference): boolean =>
    difference.side === side && names.some((name) => difference.what === `header ${name}`);

const isCase = (difference: Difference, ...names: string[]): boolean => names.includes(difference.case.name);

function isSentInChunks({ group, name }: Case): boolean {
  return group === 'Bodies' && /chunk/.test(name);
}

/** What a guest is told of a visitor who came this way. */
function told({ protocol, host, prefix, port }: Way): Record<string, string> {
  return {
    'header x-real-ip': '127.0.0.1',
    'header x-forwarded-for': '127.0.0.1',
    'header x-forwarded-host': host,
    'header x-forwarded-port': String(port),
    'header x-forwarded-prefix': prefix,
    'header x-forwarded-proto': protocol === 'HTTP' ? 'http' : 'https',
  };
}

export const listed: readonly Listed[] = [
  {
    what: 'The guest also gets `X-Real-IP` and `X-Forwarded-For`, `-Host`, `-Port`, `-Proto`, and by path `-Prefix`',
    why: 'they are how an application learns who its visitor is, and where the visitor is',
    isEverywhere: true,
    allows: ({ way, case: { name }, side, what, through }) =>
      side === 'guest' &&
      (name === 'the host in capitals' ? through.toLowerCase() : through) === told(way)[what],
  },
  {
    what: '`Strict-Transport-Security` is the service’s own (`HSTS_SECONDS`), and over plain HTTP there is none',
    why: 'under a path one guest’s word would hold for all users',
    isEverywhere: true,
    allows: (difference) =>
      header('visitor', 'strict-transport-security')(difference) &&
      difference.through === (difference.way.protocol === 'HTTP' ? '' : 'max-age=31536000'),
  },
  {
    what: 'What a visitor says in these headers, in `Forwarded`, or in names that look like them to CGI (`X_Forwarded_For`) does not arrive',
    why: 'a visitor must not speak for the proxy; for a proxy that `TRUSTED_PROXIES` names it is different',
    allows: (difference) =>
      difference.through === '' &&
      header(
        'guest',
        'forwarded',
        'x_forwarded_for',
        'x_forwarded-proto',
        'x-real_ip',
        'x-forwarded-prefix',
      )(difference),
  },
  {
    what: '`Connection`, `Keep-Alive` and `TE` do not arrive; `Expect` is answered by Nginx',
    why: 'they speak of one connection, and there are two',
    allows: header('guest', 'keep-alive', 'te', 'expect'),
  },
  {
    what: 'Upgrades to anything but WebSocket, asked for as its rules say (`GET`, HTTP/1.1, `Connection: Upgrade`), are not passed on: the guest is asked without',
    why: 'what is said within an upgraded connection is not checked any more, and `h2c` could carry any header',
    allows: (difference) => isCase(difference, 'h2c'),
  },
  {
    what: 'The guest is asked by HTTP/1.1, and for `localhost` where no host is named',
    why: 'Nginx speaks HTTP/1.1 to guests, whatever it hears',
    allows: (difference) =>
      isCase(difference, 'HTTP/1.0', 'HTTP/1.0 without a host', 'HTTP/1.0 asks, chunks answer') &&
      ((difference.what === 'version' && difference.through === 'HTTP/1.1') ||
        (/^header (x-forwarded-)?host$/.test(difference.what) && difference.through === 'localhost') ||
        (difference.what === 'header x-forwarded-port' && /^(80|443)$/.test(difference.through))),
  },
  {
    what: 'A short body that was sent in chunks may arrive with its length',
    why: 'Nginx has all of it before it asks the guest; a long one is passed on as it comes',
    allows: ({ case: one, side, what }) =>
      isSentInChunks(one) && side === 'guest' && (what === 'framing' || what === 'header content-length'),
    mayShow: isSentInChunks,
  },
  {
    what: 'Trailers are left out, both ways',
    why: 'Nginx has no way to pass them on',
    allows: ({ what, through }) => what === 'trailers' && through === '[]',
  },
  {
    what: 'An answer that goes on until the connection ends comes in chunks',
    why: 'the visitor’s connection stays open, and learns of an answer that was cut short',
    allows: ({ what, straight, through }) =>
      what === 'framing' && straight === 'until close' && through === 'chunked',
  },
  {
    what: '`X-Accel-…` is left out of answers',
    why: 'such headers speak to a proxy; neither this one nor one in front of it follows a guest’s',
    allows: header('visitor', 'x-accel-redirect', 'x-accel-buffering', 'x-accel-limit-rate'),
  },
  {
    what: 'Redirects of a guest to itself get scheme, host and port that the visitor sees, and the prefix by path; `Refresh` too',
    why: 'a guest knows nothing of them; they would lead out of the hosting, and from HTTPS to HTTP',
    allows: ({ case: one, way, what, through }) =>
      (what === 'header location' && through === one.leadsTo?.(way)) ||
      (what === 'header refresh' &&
        through === `1; url=${way.protocol === 'HTTP' ? 'http' : 'https'}://${way.host}${way.prefix}/a`),
  },
  {
    what: 'Nginx refuses by itself: methods in small letters and `TRACE`, `OPTIONS *`, `%00`, a `%` that encodes nothing, and an address that climbs above its root',
    why: 'they are errors, or none of an application’s business; web servers in guests refuse most of them as well',
    allows: ({ what, through, ...difference }) =>
      what === 'asked' &&
      /^HTTP\/(1\.1|2) 40[05]/.test(through) &&
      ['get, in small letters', 'TRACE', '*', '/a%00', '/a%zz', '/a/../../b, which climbs out'].includes(
        difference.case.name,
      ),
  },
  {
    what: 'By host name, `/_webhoster/` and `/.well-known/acme-challenge/` do not lead to the guest',
    why: 'pages of the service and proofs for certificates are there',
    allows: ({ case: one, way, what }) =>
      what === 'asked' &&
      way.name !== 'path' &&
      (one.name === '/_webhoster/a' || one.name === '/.well-known/acme-challenge/a'),
  },
  {
    what: 'Who asks for a whole URL asks the guest for its path',
    why: 'the whole one is for proxies',
    allows: (difference) =>
      isCase(difference, 'the whole URL') && difference.what === 'target' && difference.through === '/a?x=1',
  },
  {
    what: 'By host name, who names no host is led to the service’s own page',
    why: 'nothing else says whose page it is',
    allows: (difference) => isCase(difference, 'HTTP/1.0 without a host') && difference.way.name !== 'path',
  },
  {
    what: 'An early answer (`100`, `103`) that nobody asked for is answered 502 in its place, and so is whatever is no HTTP',
    why: 'Nginx takes it for the whole answer (nginx/nginx issue 1427), and a proxy in front would take the rest for somebody else’s',
    allows: (difference) => isCase(difference, '100 Continue, not asked for', '103 Early Hints'),
  },
  {
    what: 'By path, cookies get the path of the hosting and no domain; by host name they keep no domain above the name, by own domain none that the service is in',
    why: 'a browser would send them to every other user’s pages',
    allows: (difference) => isCase(difference, 'cookies') && header('visitor', 'set-cookie')(difference),
  },
];

/** Where a redirect leads must be right even where it is what the guest said. */
export function misled(
  difference: Pick<Difference, 'case' | 'way'>,
  location: ReturnType<typeof valueOf>,
): boolean {
  const { leadsTo } = difference.case;
  return leadsTo !== undefined && location !== leadsTo(difference.way);
}
