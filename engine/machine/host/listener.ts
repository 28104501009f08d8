/** Who is behind a Unix socket. Not by name: another libvirtd of this machine may belong to somebody else's node. */
import { connect } from 'node:net';
import { runCommand } from '../../base/process';

/** @returns the process id; null where there is none, or it cannot be seen from here (in a container) */
export async function listenerOf(socket: string): Promise<number | null> {
  const { stdout } = await runCommand(['ss', '-Hxlp', 'src', socket], { timeoutMs: 5_000 });
  // where systemd listens for it, systemd is named, too
  const [, pid] = /\("(?!systemd")[^"]*",pid=(\d+)/.exec(stdout) ?? [];
  return pid === undefined ? null : Number(pid);
}

/** A socket that nobody is behind any more refuses. */
export function takesConnections(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file);
    const tell = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, tell(false));
    socket.on('connect', tell(true));
    socket.on('error', tell(false));
  });
}
