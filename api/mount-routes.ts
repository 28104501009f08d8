/** Turns the route table into Express routes: login, body, validation, handler, answer, in this order. */
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { authenticate } from './authentication';
import { HttpError } from './http-error';
import { languageOf } from './language';
import { readBody } from './read-body';
import { readRequest } from './read-request';
import { note } from './request-log';
import type { Answer, Context, Replies, Responses, Route, Service } from './route';
import { sendAnswer } from './send-answer';

export function mountRoutes(routes: readonly Route[], service: Service): Router {
  const router = Router();
  for (const [path, onPath] of byPath(routes)) {
    const mounted = router.route(path.replace(/\{(\w+)\}/g, ':$1'));
    for (const route of onPath) mounted[route.method](serve(route, path, service));
    mounted.all(refuseMethod(path, onPath));
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

/** Who asks is settled before a body is read: strangers cannot make us parse anything. */
function serve(route: Route, path: string, service: Service): RequestHandler {
  return async (request, response) => {
    note(response, { route: path });
    const user = await authenticate(request, route.auth, service.engine);
    note(response, { userId: user?.id });
    await readBody(route, request, response);
    const language = languageOf(request);
    const inputs = readRequest(route, request, language);
    const signal = endOfInterest(response, service.stopping);
    // The one cast of the erased table: schemas have just made these inputs what the declaration says.
    const caused = (operationId: string): void => note(response, { operationId });
    const context = { ...service, ...inputs, user, language, signal, caused, answer: build } as Context &
      Replies<Responses>;
    const answer = await route.handle(context);
    if (response.destroyed) return await discard(answer);
    if (request.method === 'HEAD' && 'events' in answer) return await endHead(response, answer);
    await sendAnswer(response, answer, { language, heartbeatMs: service.heartbeatMs, signal });
  };
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

/** Fires when the client goes away or the server stops. Listeners leave with the request. */
function endOfInterest(response: Response, stopping: AbortSignal): AbortSignal {
  const interest = new AbortController();
  const lose = (): void => interest.abort();
  stopping.addEventListener('abort', lose, { once: true });
  if (stopping.aborted) lose();
  response.once('close', () => {
    stopping.removeEventListener('abort', lose);
    lose();
  });
  return interest.signal;
}

function refuseMethod(path: string, onPath: readonly Route[]): RequestHandler {
  const methods = new Set(onPath.map(({ method }) => method.toUpperCase()));
  if (methods.has('GET')) methods.add('HEAD');
  const allow = [...methods, 'OPTIONS'].sort().join(', ');
  return (request: Request, response: Response) => {
    note(response, { route: path });
    // No CORS headers: a preflight from another origin learns the methods and is refused by the browser.
    if (request.method === 'OPTIONS') return void response.status(204).set('Allow', allow).end();
    throw new HttpError('method_not_allowed', { headers: { Allow: allow } });
  };
}
