/** HTTP/1 letter by letter, as sockets carry it: what a library of HTTP would tidy up is what is compared here. */
import type { Socket } from 'node:net';

export type Header = readonly [name: string, value: string];
export type Framing = 'none' | 'length' | 'chunked' | 'until close';

export interface Message {
  /** Request line or status line. */
  readonly first: string;
  readonly headers: readonly Header[];
  readonly framing: Framing;
  readonly body: Buffer;
  readonly trailers: readonly Header[];
  /** Whether the first byte of the body came well before the last. */
  readonly inParts: boolean;
}

/** What counts as a pause in `inParts`. Who sends in parts waits twice as long between them. */
export const pauseMs = 150;

export class Wire {
  private buffered: Buffer[] = [];
  private size = 0;
  private ended = false;
  private wake: () => void = () => undefined;

  constructor(readonly socket: Socket) {
    const end = (): void => {
      this.ended = true;
      this.wake();
    };
    socket.on('data', (chunk: Buffer) => {
      this.buffered.push(chunk);
      this.size += chunk.length;
      this.wake();
    });
    socket.on('end', end).on('close', end).on('error', end);
  }

  /** @returns what there is when the other side has hung up before */
  async take(bytes: number): Promise<Buffer> {
    while (this.size < bytes && !this.ended) await new Promise<void>((resolve) => (this.wake = resolve));
    const all = Buffer.concat(this.buffered);
    const taken = all.subarray(0, bytes);
    this.buffered = [all.subarray(taken.length)];
    this.size -= taken.length;
    return taken;
  }

  async line(): Promise<string> {
    for (;;) {
      const all = Buffer.concat(this.buffered);
      const end = all.indexOf('\r\n');
      if (end >= 0) return (await this.take(end + 2)).subarray(0, end).toString('latin1');
      if (this.ended) throw new Error('the other side has hung up');
      this.buffered = [all];
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** Request line or status line, and what follows it. */
  async head(): Promise<{ first: string; headers: Header[] }> {
    return { first: await this.line(), headers: await this.headers() };
  }

  /** @param bodiless  an answer to HEAD, or one whose status has no body */
  async rest(
    { first, headers }: { first: string; headers: readonly Header[] },
    bodiless: 'bodiless' | 'may have a body',
  ): Promise<Message> {
    const isAnswer = first.startsWith('HTTP/');
    const framing =
      bodiless === 'bodiless'
        ? framingOf(headers, 'none')
        : framingOf(headers, isAnswer ? 'until close' : 'none');
    if (bodiless === 'bodiless')
      return { first, headers, framing, body: Buffer.alloc(0), trailers: [], inParts: false };
    const started = await this.firstByte(
      framing === 'length' && valueOf(headers, 'content-length') === '0' ? 'none' : framing,
    );
    const body: Buffer[] = [];
    let trailers: Header[] = [];
    if (framing === 'length') body.push(await this.take(Number(valueOf(headers, 'content-length'))));
    if (framing === 'until close') body.push(await this.take(Infinity));
    if (framing === 'chunked') {
      for (let left = await this.chunkSize(); left > 0; left = await this.chunkSize()) {
        body.push(await this.take(left));
        await this.line();
      }
      trailers = await this.headers();
    }
    const inParts = performance.now() - started > pauseMs;
    return { first, headers, framing, body: Buffer.concat(body), trailers, inParts };
  }

  private async firstByte(framing: Framing): Promise<number> {
    while (framing !== 'none' && this.size === 0 && !this.ended)
      await new Promise<void>((resolve) => (this.wake = resolve));
    return performance.now();
  }

  private async chunkSize(): Promise<number> {
    return parseInt(await this.line(), 16);
  }

  private async headers(): Promise<Header[]> {
    const headers: Header[] = [];
    for (let line = await this.line(); line !== ''; line = await this.line()) {
      const colon = line.indexOf(':');
      headers.push([line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]);
    }
    return headers;
  }
}

export function valueOf(headers: readonly Header[], name: string): string | undefined {
  return headers.find(([each]) => each === name)?.[1];
}

function framingOf(headers: readonly Header[], otherwise: Framing): Framing {
  if (/chunked/i.test(valueOf(headers, 'transfer-encoding') ?? '')) return 'chunked';
  return valueOf(headers, 'content-length') === undefined ? otherwise : 'length';
}

/** @param chunks  sent one after the other, with a pause between them; null leaves the body out */
export function chunked(chunks: readonly string[], trailers: readonly Header[] = []): string[] {
  const end = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return [
    ...chunks.map((chunk) => `${Buffer.byteLength(chunk, 'latin1').toString(16)}\r\n${chunk}\r\n`),
    `0\r\n${end}\r\n`,
  ];
}
