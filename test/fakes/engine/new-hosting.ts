/** A hosting as the fake engine accepts it. */
import { randomUUID } from 'node:crypto';
import type { Hosting, User } from '../../../engine';

export function newHosting(user: User, sshPort: number, labels: Hosting['labels']): Hosting {
  const id = randomUUID();
  return {
    id,
    userId: user.id,
    vmName: `vm-${id.slice(0, 8)}`,
    status: 'creating',
    image: 'micro',
    ip: '10.90.0.10',
    sshPort,
    memoryMiB: 1024,
    vcpus: 1,
    diskGiB: 20,
    labels,
    webUrl: `http://localhost/${user.id}/`,
    subdomainUrl: `http://${user.username}.localhost`,
    sshCommand: `ssh -p ${sshPort} ubuntu@localhost`,
    sftpCommand: `sftp -P ${sshPort} ubuntu@localhost`,
    knownHosts: [],
    failure: null,
    drift: { checkedAt: null, differences: [], lookFailed: false, lookFailure: null },
    createdAt: new Date(),
    readyAt: null,
  };
}
