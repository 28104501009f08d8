/** Puts an answer or an error on the wire: the only code that knows the envelopes. */
import type { ErrorRequestHandler, Response } from 'express';
import { toPublicError, statusOf, type HttpError } from './http-error';
import type { EngineError } from '../engine';
import { writeEventStream } from './event-stream';
import { languageOf, type Language } from './language';
import { messageOf, successMessages } from './messages';
import { requestIdOf } from './request-id';
import { note } from './request-log';
import type { Answer } from './route';
import type { errorAnswer } from './schemas/failure';
import { snakeCased } from './snake-case';
import type { z } from 'zod';

/** A guess that suits a restart or a failover; the client may of course ask sooner. */
const RETRY_AFTER_SECONDS = 5;

export interface SendOptions {
  readonly language: Language;
  readonly heartbeatMs: number;
  readonly signal: AbortSignal;
}

export async function sendAnswer(response: Response, answer: Answer, options: SendOptions): Promise<void> {
  const { language } = options;
  response.set(answer.headers ?? {});
  if ('events' in answer) {
    const onFailure = (thrown: unknown) => {
      const failure = toPublicError(thrown);
      note(response, { failure });
      const { message, error } = describeError(failure, language, requestIdOf(response));
      return { event: 'stream.failed', data: { message, ...error } };
    };
    await writeEventStream(response, answer.events, { ...options, status: answer.status, onFailure });
  } else if ('data' in answer) {
    const message = successMessages[answer.message][language];
    nameLanguage(response, language)
      .status(answer.status)
      .json({ success: true, message, data: answer.data });
  } else if ('body' in answer) {
    response.status(answer.status).json(answer.body);
  } else {
    response.status(answer.status).end();
  }
}

function nameLanguage(response: Response, language: Language): Response {
  return response.set('Content-Language', language).vary('Accept-Language');
}

function describeError(
  error: EngineError | HttpError,
  language: Language,
  requestId: string,
): z.output<typeof errorAnswer> {
  const details = snakeCased(error.details ?? {}) as Record<string, unknown>;
  return {
    success: false,
    message: messageOf(error, language),
    error: { code: error.code, details, request_id: requestId },
  };
}

/** The end of every failed request, whether it failed in a handler, a parser or Express itself. */
export function answerErrors(): ErrorRequestHandler {
  return (thrown: unknown, request, response, _next) => {
    const error = toPublicError(thrown);
    const status = statusOf[error.code];
    if (status >= 500) note(response, { failure: error });
    // Nobody is there to read it, or an answer has begun and cannot be taken back.
    if (response.destroyed || response.headersSent) return void response.end();
    if (status === 401) response.set('WWW-Authenticate', 'Bearer');
    const wait = error.details?.['retryAfterSeconds'];
    if (status === 429 && typeof wait === 'number') response.set('Retry-After', String(wait));
    if (status === 503) response.set('Retry-After', String(RETRY_AFTER_SECONDS));
    if ('headers' in error) response.set(error.headers);
    const language = languageOf(request);
    nameLanguage(response, language)
      .status(status)
      .json(describeError(error, language, requestIdOf(response)));
  };
}
