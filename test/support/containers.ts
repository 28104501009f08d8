/** What a test asks of containers, and of what they serve. */
import { connect } from 'node:net';

/** As `docker inspect` says it. */
export interface Container {
  readonly Id: string;
  readonly Name: string;
  readonly Config: { Env: string[]; User: string; Labels: Record<string, string> };
  readonly HostConfig: {
    ReadonlyRootfs: boolean;
    CapDrop: string[];
    CapAdd: string[] | null;
    Memory: number;
  };
  readonly State: { Status: string; Health?: { Status: string } };
  readonly Mounts: { Source: string }[];
  readonly NetworkSettings: { Ports: Record<string, { HostPort: string }[] | null> };
}

export const serviceOf = ({ Config }: Container): string => Config.Labels['com.docker.compose.service'] ?? '';

/** What the first bytes on a port are; a VM's SSH says its name. */
export function greeting(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(10_000, () => socket.destroy(new Error('silent')));
    socket.once('error', reject).once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
  });
}
