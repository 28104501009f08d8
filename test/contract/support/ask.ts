/** One request on a connection of its own, and its whole answer. */
import http from 'node:http';

export interface Asked {
  readonly method?: string;
  /** The host that is named. @default localhost */
  readonly host?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /** Where Nginx is asked. @default 127.0.0.1 */
  readonly address?: string;
  /** From where. @default the machine's choice */
  readonly from?: string;
  /** @default waits for as long as it takes */
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** @throws {Error} the connection broke, or nothing came in time */
export function askAt(port: number, urlPath: string, asked: Asked = {}): Promise<Answer> {
  const { method = 'GET', host = 'localhost', headers = {}, body, address = '127.0.0.1', from } = asked;
  return new Promise((resolve, reject) => {
    const at = { host: address, port, path: urlPath, agent: false, method, headers: { host, ...headers } };
    const request = http.request(
      { ...at, maxHeaderSize: 64 * 1024, ...(from === undefined ? {} : { localAddress: from }) },
      (response) => {
        let said = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: said });
        });
        response.on('error', reject);
      },
    );
    if (asked.timeoutMs !== undefined)
      request.setTimeout(asked.timeoutMs, () => request.destroy(new Error('no answer')));
    request.on('error', reject).end(body);
  });
}
