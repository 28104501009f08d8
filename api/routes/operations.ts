/** Following and cancelling what was asked for. */
import type { Operation, OperationEvent } from '../../engine';
import type { ServerSentEvent } from '../event-stream';
import { defineRoute } from '../route';
import { eventHeaders, operationAnswer, operationEventView, operationParams } from '../schemas/operation';
import { showEvent, showOperation } from '../views';

export const showOneOperation = defineRoute({
  name: 'getOperation',
  method: 'get',
  path: '/api/v1/operations/{id}',
  tag: 'Operations',
  summary: 'Show an operation and its steps',
  auth: 'user',
  params: operationParams,
  responses: { 200: { description: 'The operation', data: operationAnswer } },
  failures: ['operation_not_found'],
  async handle({ engine, user, params, language, answer }) {
    const operation = await engine.operations.get(user, params.id);
    const data = { operation: showOperation(operation, language) };
    return answer(200, { message: 'operation_shown', data });
  },
});

export const followOperation = defineRoute({
  name: 'followOperation',
  method: 'get',
  path: '/api/v1/operations/{id}/events',
  tag: 'Operations',
  summary: 'Follow an operation as server-sent events',
  description:
    'Sends past events first, then live ones, and ends with the operation. Comments keep the connection open.',
  auth: 'user',
  params: operationParams,
  headers: eventHeaders,
  responses: {
    200: { description: 'The data of each event', events: operationEventView },
    204: { description: 'The operation has ended, and you have received its last event', empty: true },
  },
  failures: ['operation_not_found'],
  async handle({ engine, user, params, headers, signal, answer }) {
    const operation = await engine.operations.get(user, params.id);
    const afterId = headers['last-event-id'];
    const events = shown(engine.operations.events(operation.id, { afterId, signal }));
    if (afterId === undefined || !hasEnded(operation)) return answer(200, { events });
    // EventSource reconnects after every end; 204 is how it is told that nothing more will come.
    const missed = await collect(events);
    return missed.length === 0 ? answer(204, { empty: true }) : answer(200, { events: replay(missed) });
  },
});

function hasEnded({ status }: Operation): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'stuck';
}

async function* shown(events: AsyncIterable<OperationEvent>): AsyncGenerator<ServerSentEvent> {
  for await (const event of events) yield showEvent(event);
}

async function collect(events: AsyncIterable<ServerSentEvent>): Promise<ServerSentEvent[]> {
  const all: ServerSentEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

async function* replay(events: readonly ServerSentEvent[]): AsyncGenerator<ServerSentEvent> {
  yield* events;
}

export const cancelOperation = defineRoute({
  name: 'cancelOperation',
  method: 'post',
  path: '/api/v1/operations/{id}/cancel',
  tag: 'Operations',
  summary: 'Cancel an operation: it stops and rolls back',
  auth: 'user',
  params: operationParams,
  responses: { 202: { description: 'Cancellation requested; follow the operation', data: operationAnswer } },
  failures: ['operation_not_found', 'not_cancellable'],
  async handle({ engine, user, params, language, answer }) {
    const operation = await engine.operations.cancel(user, params.id);
    const data = { operation: showOperation(operation, language) };
    return answer(202, { message: 'operation_cancelling', data });
  },
});
