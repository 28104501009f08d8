/**
 * How many requests that stay open one user may have at a time: event streams, and creates and deletes that wait for their
 * end. The limits a minute do not bound them: what is begun within a minute may last for hours.
 */
import type { Response } from 'express';
import type { Caller } from '../engine';
import { HttpError } from './http-error';
import type { Route } from './route';

/** In one process. */
const mostAtOnce = 100;

/** Whether its answer may take as long as an operation does. */
export function staysOpen({ headers, responses }: Pick<Route, 'headers' | 'responses'>): boolean {
  return 'prefer' in (headers?.shape ?? {}) || Object.values(responses).some((spec) => 'events' in spec);
}

/** The function it returns throws too_many_at_once. */
export function boundAtOnce(most = mostAtOnce): (caller: Caller, response: Response) => void {
  const open = new Map<number, number>();
  return ({ user: { id } }, response) => {
    const count = (open.get(id) ?? 0) + 1;
    if (count > most) throw new HttpError('too_many_at_once');
    // who left while we looked who it is: it would never be told of again
    if (response.closed) return;
    open.set(id, count);
    response.once('close', () => {
      const left = (open.get(id) ?? 1) - 1;
      if (left > 0) open.set(id, left);
      else open.delete(id);
    });
  };
}
