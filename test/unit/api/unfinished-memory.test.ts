/** What is remembered of a connection ends with it, however it ends. */
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { boundUnfinished } from '../../../api/unfinished';
import { until } from '../../support/until';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

it('forgets connections that were cut while they were answered', async () => {
  const server = http.createServer();
  boundUnfinished(server);
  const theirs: WeakRef<Socket>[] = [];
  let closed = 0;
  server.on('connection', (socket: Socket) => {
    theirs.push(new WeakRef(socket));
    socket.on('close', () => closed++);
  });
  // nothing is ever answered
  server.on('request', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const count = 30;
  let asked = 0;
  server.on('request', () => asked++);
  for (let opened = 0; opened < count; opened++) {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    socket.on('error', () => undefined);
    void once(server, 'request').then(() => setImmediate(() => socket.destroy()));
    await once(server, 'request');
  }
  await until(5_000, 'all are closed', () => Promise.resolve(closed === count && asked === count));
  const left = (): number => theirs.filter((each) => each.deref() !== undefined).length;
  try {
    // the last one may still be on the stack
    await until(5_000, 'they are collected', () => {
      collect();
      return Promise.resolve(left() <= 2);
    });
  } finally {
    server.close();
  }
});
