/** A client of the API, as many users at once. */
import { randomBytes } from 'node:crypto';

export interface Client {
  readonly email: string;
  readonly userId: number;
  readonly token: string;
}

export interface Answered<T> {
  readonly status: number;
  readonly body: { success: boolean; message: string; data: T };
}

export interface CreatedHosting {
  readonly hosting: { readonly id: string; readonly status: string };
  readonly operation: { readonly id: string; readonly kind: string; readonly status: string };
}

export async function ask<T = CreatedHosting>(
  api: string,
  method: string,
  urlPath: string,
  { token, body, headers }: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answered<T>> {
  const response = await fetch(`${api}/api/v1${urlPath}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answered<T>['body'] };
}

export async function newClient(api: string): Promise<Client> {
  const name = `bench-${randomBytes(6).toString('hex')}`;
  const email = `${name}@example.org`;
  const password = randomBytes(16).toString('hex');
  const registered = await ask<{ user: { id: number } }>(api, 'POST', '/auth/register', {
    body: { email, password, username: name },
  });
  const response = await fetch(`${api}/api/v1/auth/login`, {
    method: 'POST',
    body: new URLSearchParams({ username: email, password }),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return { email, userId: registered.body.data.user.id, token };
}

/** Does something so many times, some at once; in no order. */
export async function each<T>(
  count: number,
  atOnce: number,
  act: (index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      results[index] = await act(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work));
  return results;
}
