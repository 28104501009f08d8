/** One request and its answer, sent straight to the guest and every other way. */
import type { Header, Message } from './wire';

/** How a visitor comes to the guest. */
export interface Way {
  readonly name: 'path' | 'host name' | 'own domain';
  readonly protocol: 'HTTP' | 'HTTPS' | 'HTTP/2';
  /** As the visitor writes them: `localhost:8080`, `/7`. */
  readonly host: string;
  readonly prefix: string;
  readonly port: number;
}

export interface Asking {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: readonly Header[];
  /** Sent part by part, as it stands: `chunked` frames it. */
  readonly body?: readonly string[];
  readonly version?: '1.0' | '1.1';
  /** In the place of the host that the way has. */
  readonly host?: string;
}

export interface Case {
  readonly group: string;
  readonly name: string;
  readonly ask: Asking | ((way: Way) => Asking);
  /** The whole answer, letter by letter; with a pause between its parts. */
  readonly answer: (asked: Message) => readonly string[];
  /** HTTP/2 has no such thing. */
  readonly onlyHttp1?: true;
  /** Where a redirect has to lead, as the visitor sees it. */
  readonly leadsTo?: (way: Way) => string;
}

export function originOf({ protocol, host }: Way): string {
  return `${protocol === 'HTTP' ? 'http' : 'https'}://${host}`;
}

export function keyOf({ group, name }: Case): string {
  return `${group}: ${name}`;
}
