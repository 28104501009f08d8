/**
 * What a page of another site makes a browser send. Tokens travel in a header that no browser adds by itself, so such a
 * request can do nothing in its user's name; but it would count for their address, and a form that signs in with wrong
 * passwords would lock them out. It is refused before anything is counted, looked up or read.
 *
 * `same-site` is refused as well: pages of users live below the same domain. Programs send none of these headers, and are
 * never refused here; whoever forges them refuses their own request.
 */
import type { Request, RequestHandler } from 'express';
import { HttpError } from './http-error';
import { free } from './rate-limits';

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];
const ownSites = ['same-origin', 'none'];

/** @param origins  of pages that may call the API */
export function refuseCrossSite(origins: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    if (isForeign(request, origins)) throw free(new HttpError('cross_site_refused'));
    next();
  };
}

function isForeign(request: Request, origins: readonly string[]): boolean {
  const { origin } = request.headers;
  const site = request.get('Sec-Fetch-Site');
  if (origin !== undefined && origins.includes(origin)) return false;
  const changes = !safeMethods.includes(request.method);
  if (site !== undefined) {
    if (ownSites.includes(site)) return false;
    // who follows a link comes to look; a page that loads things from here only uses up its visitor's requests
    return changes || request.get('Sec-Fetch-Mode') !== 'navigate';
  }
  // over plain HTTP browsers say no more than this, and only of requests that change something or may be read
  return changes && origin !== undefined && !isOwn(origin, request.headers.host);
}

/** The documentation page of this very address. Which scheme a proxy in front speaks is not known here. */
function isOwn(origin: string, host: string | undefined): boolean {
  if (host === undefined) return false;
  return origin === `http://${host}` || origin === `https://${host}`;
}
