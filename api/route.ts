/**
 * What a route is: one declaration from which Express is mounted and the OpenAPI document is written, so that
 * neither can know a field, a status or a login requirement that the other does not.
 */
import type { z } from 'zod';
import type { Caller, Config, Engine, TokenScope, User } from '../engine';
import type { FailureCode } from './http-error';
import type { Language } from './language';
import type { SuccessKey } from './messages';
import type { ServerSentEvent } from './event-stream';

/** `optional`: open to strangers, who are answered less than administrators and METRICS_TOKEN are. */
export type Access = 'none' | 'optional' | 'user' | 'admin';
/** What a personal API token must have: a scope, nothing (`any`), or what no token has (`session`). */
export type Scope = TokenScope | 'any' | 'session';
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
type Schema = z.ZodType | undefined;
type ObjectSchema = z.ZodObject | undefined;
type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;

/** `data` travels in the {success, message, data} envelope, `body` bare, `events` as text/event-stream. */
export type ResponseSpec = {
  readonly description: string;
  readonly headers?: Readonly<Record<string, string>>;
} & (
  | { readonly data: z.ZodType }
  | { readonly body: z.ZodType }
  | { readonly events: z.ZodType }
  | { readonly empty: true }
);
export type Responses = Readonly<Record<number, ResponseSpec>>;

type AnswerContent<S extends ResponseSpec> = {
  readonly headers?: Readonly<Record<string, string>>;
} & ContentOf<S>;
type ContentOf<S extends ResponseSpec> = S extends { data: infer D extends z.ZodType }
  ? { readonly message: SuccessKey; readonly data: z.output<D> }
  : S extends { body: infer B extends z.ZodType }
    ? { readonly body: z.output<B> }
    : S extends { events: z.ZodType }
      ? { readonly events: AsyncIterable<ServerSentEvent> }
      : { readonly empty: true };

/** One of the declared answers: a status that `responses` does not name does not compile. */
export type AnswerTo<R extends Responses> = {
  [S in keyof R & number]: { readonly status: S } & AnswerContent<R[S]>;
}[keyof R & number];

export interface Clock {
  now(): Date;
}

/** What every handler may use. */
export interface Service {
  readonly engine: Engine;
  readonly config: Pick<Config, 'REQUEST_WAIT_SECONDS'>;
  readonly clock: Clock;
  /** Fires when the server shuts down: waits and streams end early, answers are still given. */
  readonly stopping: AbortSignal;
  /** Pause between two comments that keep an idle event stream open through proxies. */
  readonly heartbeatMs: number;
}

export interface Context<
  A extends Access = Access,
  B extends Schema = Schema,
  P extends ObjectSchema = ObjectSchema,
  Q extends ObjectSchema = ObjectSchema,
  H extends ObjectSchema = ObjectSchema,
> extends Service {
  readonly body: Parsed<B>;
  readonly params: Parsed<P>;
  readonly query: Parsed<Q>;
  readonly headers: Parsed<H>;
  /** Whose the request is, with the role that it may use: a token without the scope `admin` makes an admin a user. */
  readonly user: A extends 'none' ? undefined : A extends 'optional' ? User | undefined : User;
  /** The same as they signed in. */
  readonly caller: A extends 'none' ? undefined : A extends 'optional' ? Caller | undefined : Caller;
  /** True for administrators, with a scope that lets them be, and for whoever may read the metrics. */
  readonly operates: boolean;
  /** Where the request comes from. */
  readonly address: string;
  readonly language: Language;
  /** Fires when the client has gone or the server stops; aborts waits, never work that was accepted. */
  readonly signal: AbortSignal;
  /** Has the request's line in the log name the operation that it caused. */
  readonly caused: (operationId: string) => void;
}

/**
 * Builds one of the declared answers.
 *
 * Handed to the handler rather than imported: TypeScript settles R before it reads a handler's body only when a
 * parameter mentions R, and plain `return {status: 201, …}` would have its literals widened until nothing fits.
 */
export interface Replies<R extends Responses> {
  readonly answer: <S extends keyof R & number>(status: S, content: AnswerContent<R[S]>) => AnswerTo<R>;
}

export interface RouteSpec<
  A extends Access,
  R extends Responses,
  B extends Schema,
  P extends ObjectSchema,
  Q extends ObjectSchema,
  H extends ObjectSchema,
> {
  /** The OpenAPI operationId. */
  readonly name: string;
  readonly method: Method;
  /** With parameters as OpenAPI writes them: `/operations/{id}`. */
  readonly path: string;
  readonly aliases?: readonly string[];
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly auth: A;
  /** @default admin for an administrator's route, else hosting:read for GET and hosting:write for all others */
  readonly scope?: Scope;
  /** Requests that this one counts for in the limits; 0 leaves it out of them. @default 1 */
  readonly cost?: number;
  /** Of a request that only looks, although its method says otherwise: it leaves no record. @default what the method says */
  readonly changes?: 'nothing';
  readonly body?: B;
  /** @default 'json' */
  readonly bodyType?: 'json' | 'form';
  readonly params?: P;
  /** Without a schema, query parameters are ignored; with one, unknown and repeated ones are refused. */
  readonly query?: Q;
  /** Request headers by lower-case name; only those declared here reach the handler. */
  readonly headers?: H;
  readonly responses: R;
  /** Codes this route answers besides those every route shares (validation, login, internal). */
  readonly failures: readonly FailureCode[];
  /** A method, not a property: its bivariance is what lets routes of all shapes share one table. */
  handle(context: Context<A, B, P, Q, H> & Replies<R>): Promise<AnswerTo<R>>;
}

export type Route = RouteSpec<Access, Responses, Schema, ObjectSchema, ObjectSchema, ObjectSchema>;
export type Answer = AnswerTo<Responses>;

/** Declares a route; the types of body, params, query, headers, user and answers follow from the declaration. */
export function defineRoute<
  const A extends Access,
  const R extends Responses,
  B extends Schema = undefined,
  P extends ObjectSchema = undefined,
  Q extends ObjectSchema = undefined,
  H extends ObjectSchema = undefined,
>(spec: RouteSpec<A, R, B, P, Q, H>): Route {
  return spec as unknown as Route;
}
