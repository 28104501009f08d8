/** Turns the route table into Express routes: login, limits, body, validation, handler, audit, answer, in this order. */
import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { Caller } from '../engine';
import { staysOpen } from './at-once';
import { recordChange } from './audit';
import { authenticate, authorize } from './authentication';
import { HttpError } from './http-error';
import { languageOf } from './language';
import { readBody, refuseForms } from './read-body';
import { readRequest, type Inputs } from './read-request';
import { type RateLimits, strangerOf } from './rate-limits';
import { requestIdOf } from './request-id';
import { note } from './request-log';
import type { Answer, Context, Replies, Responses, Route, Service } from './route';
import { effectiveUser } from './scope';
import { sendAnswer } from './send-answer';

export interface MountOptions {
  readonly limits: RateLimits;
  /** Bounds what stays open. @throws too_many_at_once */
  readonly atOnce: (caller: Caller, response: Response) => void;
  /** Whether a request without an account of its own is the operator's. */
  readonly isOperators: (request: Request) => boolean;
  /** Told when a change could not be recorded. */
  readonly onAuditFailure: (thrown: unknown, requestId: string) => void;
}

export function mountRoutes(routes: readonly Route[], service: Service, options: MountOptions): Router {
  const router = Router();
  for (const [path, onPath] of byPath(routes)) {
    const mounted = router.route(path.replace(/\{(\w+)\}/g, ':$1'));
    for (const route of onPath) mounted[route.method](serve(route, path, service, options));
    mounted.all(refuseMethod(path, onPath, options.limits));
  }
  return router;
}

function byPath(routes: readonly Route[]): Map<string, Route[]> {
  const paths = new Map<string, Route[]>();
  for (const route of routes) {
    for (const path of [route.path, ...(route.aliases ?? [])]) {
      paths.set(path, [...(paths.get(path) ?? []), route]);
    }
  }
  return paths;
}

function serve(route: Route, path: string, service: Service, options: MountOptions): RequestHandler {
  return async (request, response) => {
    note(response, { route: path });
    const address = request.ip ?? '';
    const { caller, operates } = await admit(route, request, response, service, options);
    note(response, { userId: caller?.user.id });
    const requestId = requestIdOf(response);
    const asked = { route, caller, address, requestId };
    const audited = async (ending: Parameters<typeof recordChange>[2], inputs?: Inputs): Promise<void> => {
      const attempt = {
        ...asked,
        params: inputs?.params ?? request.params,
        query: request.query,
        body: inputs?.body,
      };
      await recordChange(service.engine, attempt, ending, (thrown) => {
        options.onAuditFailure(thrown, requestId);
      });
    };
    const language = languageOf(request);
    const signal = endOfInterest(response, service.stopping);
    let inputs: Inputs | undefined;
    let answer: Answer;
    try {
      authorize(caller, route);
      await readBody(route, request, response);
      inputs = readRequest(route, request, language);
      const user = caller && effectiveUser(caller);
      const caused = (operationId: string): void => note(response, { operationId });
      // The one cast of the erased table: schemas have just made these inputs what the declaration says.
      const who = { user, caller, operates: operates || user?.role === 'admin' };
      const given = { ...service, ...inputs, ...who, address, language, signal, caused, answer: build };
      answer = await route.handle(given as Context & Replies<Responses>);
    } catch (thrown) {
      // a stranger's request that says nothing we understand has tried nothing
      if (caller !== undefined || inputs !== undefined) await audited({ thrown }, inputs);
      throw thrown;
    }
    await audited({ answer }, inputs);
    if (response.destroyed) return await discard(answer);
    if (request.method === 'HEAD' && 'events' in answer) return await endHead(response, answer);
    await sendAnswer(response, answer, { language, heartbeatMs: service.heartbeatMs, signal });
  };
}

/**
 * Who asks is settled, and how often, before a body is read: strangers cannot make us parse anything. Who is turned
 * away counts as a stranger.
 *
 * @throws unsupported_media_type, unauthorized, rate_limited, too_many_at_once
 */
async function admit(
  route: Route,
  request: Request,
  response: Response,
  { engine }: Service,
  { limits, isOperators, atOnce }: MountOptions,
): Promise<{ caller: Caller | undefined; operates: boolean }> {
  refuseForms(route, request);
  const asked = { address: request.ip ?? '', cost: route.cost ?? 1 };
  if (route.auth === 'optional' && isOperators(request)) {
    await limits(response, { ...asked, caller: undefined });
    return { caller: undefined, operates: true };
  }
  const caller = await authenticate(request, route, engine).catch(async (thrown: unknown) => {
    await limits(response, { ...asked, caller: undefined });
    throw thrown;
  });
  await limits(response, { ...asked, caller });
  if (caller !== undefined && staysOpen(route)) atOnce(caller, response);
  return { caller, operates: false };
}

const build: Replies<Responses>['answer'] = (status, content) => ({ status, ...content });

/** A stream that nobody will read still holds its source open until it is told. */
async function discard(answer: Answer): Promise<void> {
  if ('events' in answer) await answer.events[Symbol.asyncIterator]().return?.();
}

async function endHead(response: Response, answer: Answer): Promise<void> {
  await discard(answer);
  response.status(answer.status).type('text/event-stream').end();
}

/** Made once: every request ends with it, and an error of its own would look through the stack each time. */
const nobodyWaits = new DOMException('The client has disconnected, or the server is stopping', 'AbortError');

/** Fires when the client goes away or the server stops. Listeners leave with the request. */
function endOfInterest(response: Response, stopping: AbortSignal): AbortSignal {
  const interest = new AbortController();
  const lose = (): void => interest.abort(nobodyWaits);
  stopping.addEventListener('abort', lose, { once: true });
  // whoever left while we looked who it is is not told of a second time
  if (stopping.aborted || response.closed) lose();
  response.once('close', () => {
    stopping.removeEventListener('abort', lose);
    lose();
  });
  return interest.signal;
}

function refuseMethod(path: string, onPath: readonly Route[], limits: RateLimits): RequestHandler {
  const methods = new Set(onPath.map(({ method }) => method.toUpperCase()));
  if (methods.has('GET')) methods.add('HEAD');
  const allow = [...methods, 'OPTIONS'].sort().join(', ');
  return async (request: Request, response: Response) => {
    note(response, { route: path });
    await limits(response, strangerOf(request));
    // No CORS headers: a preflight from another origin learns the methods and is refused by the browser.
    if (request.method === 'OPTIONS') return void response.status(204).set('Allow', allow).end();
    throw new HttpError('method_not_allowed', { headers: { Allow: allow } });
  };
}
