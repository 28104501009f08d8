/** What the web servers of all fake VMs serve: one server, which tells them apart by the address that is asked. */
import { once } from 'node:events';
import http from 'node:http';

export interface Pages {
  /** @param page  null for a VM that is gone */
  put(ip: string, page: string | null): void;
}

export async function servePages(): Promise<Pages> {
  const pages = new Map<string, string>();
  const server = http.createServer((request, response) => {
    const page = pages.get(request.socket.localAddress ?? '');
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'text/html' }).end(page);
  });
  server.listen(80, '0.0.0.0');
  await once(server, 'listening');
  return {
    put: (ip, page) => void (page === null ? pages.delete(ip) : pages.set(ip, page)),
  };
}
