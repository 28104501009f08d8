/** What is said, to whoever connects, on a Unix socket. */
import { connect } from 'node:net';

const timeoutMs = 1_000;

/** @throws {Error} nobody listens, or nothing is said in time */
export function askSocket(file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(file).setEncoding('utf8').setTimeout(timeoutMs);
    socket.on('data', (chunk: string) => (said += chunk));
    socket.on('timeout', () => socket.destroy(new Error(`nothing was said on ${file}`)));
    socket.on('error', reject);
    socket.on('end', () => {
      resolve(said);
    });
  });
}
