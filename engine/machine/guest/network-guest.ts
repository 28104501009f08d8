/** Probes a VM over the network: its page by HTTP, its host keys by ssh-keyscan. */
import http from 'node:http';
import { connect } from 'node:net';
import { runCommand } from '../../base/process';
import type { Guest } from './guest';

/** Long enough for an emulated CPU to answer, short enough that a lost first packet costs little. */
const httpTimeoutMs = 1_000;
/** A kernel answers at once, whoever listens there. */
const connectTimeoutMs = 500;
/** The kernel gives up after three questions for the address, a second apart. */
const linkTimeoutMs = 4_000;
/** For a whole page: a guest that sends a byte now and then is never silent for the time above. */
const pageTimeoutMs = 5_000;
const maxPageBytes = 65_536;

export const networkGuest: Guest = {
  servesPage: (ip, marker) =>
    fetchPage({ host: ip, port: 80, path: '/' }).then(
      (page) => page.includes(marker),
      () => false,
    ),
  sshHostKeys: async (ip) => {
    const scan = await runCommand(['ssh-keyscan', '-T', '5', '-t', 'ed25519,ecdsa', ip], {
      timeoutMs: 8_000,
      maxOutputBytes: maxPageBytes,
    }).catch(() => null);
    return (scan?.stdout ?? '').split('\n').flatMap((line) => {
      const [, type, key] = line.startsWith('#') ? [] : line.split(' ');
      return type && key ? [`${type} ${key}`] : [];
    });
  },
  answers: (ip) =>
    new Promise((resolve) => {
      const socket = connect({ host: ip, port: 22, timeout: connectTimeoutMs });
      const tell = (answer: boolean) => (): void => {
        socket.destroy();
        resolve(answer);
      };
      socket.on('connect', tell(true));
      socket.on('timeout', tell(false));
      socket.on('error', (error: NodeJS.ErrnoException) => {
        tell(error.code === 'ECONNREFUSED')();
      });
    }),
  isThere: (ip) =>
    new Promise((resolve) => {
      // the page's port, and not that of SSH, which counts who hangs up
      const socket = connect({ host: ip, port: 80, timeout: linkTimeoutMs });
      const tell = (answer: boolean) => (): void => {
        socket.destroy();
        resolve(answer);
      };
      socket.on('connect', tell(true));
      // a firewall that drops is somebody's own
      socket.on('timeout', tell(true));
      socket.on('error', (error: NodeJS.ErrnoException) => {
        tell(error.code !== 'EHOSTUNREACH' && error.code !== 'ENETUNREACH')();
      });
    }),
};

/** The start of a page, whatever its status. @throws when nothing answers in time */
export function fetchPage(target: {
  host: string;
  port: number;
  path: string;
  hostHeader?: string;
}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      {
        host: target.host,
        port: target.port,
        path: target.path,
        agent: false,
        timeout: httpTimeoutMs,
        ...(target.hostHeader === undefined ? {} : { headers: { host: target.hostHeader } }),
      },
      (response) => {
        let page = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          page += chunk;
          if (page.length > maxPageBytes) response.destroy();
        });
        response.on('close', () => {
          resolve(page);
        });
      },
    );
    const giveUp = (): void => {
      request.destroy(new Error('timeout'));
    };
    const timer = setTimeout(giveUp, pageTimeoutMs);
    request.on('timeout', giveUp);
    request.on('error', reject);
    request.on('close', () => {
      clearTimeout(timer);
    });
  });
}
