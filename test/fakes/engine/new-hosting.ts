/** A hosting as the fake engine accepts it. */
import { randomUUID } from 'node:crypto';
import type { Hosting, User } from '../../../engine';

const neverLooked: Hosting['drift'] = {
  checkedAt: null,
  differences: [],
  lookFailed: false,
  lookFailure: null,
};

/**
 * @param others  the living, which keep their addresses and ports
 * @param hasKey  the user has a key, of which the private part is where OpenSSH looks for it
 */
export function newHosting(
  user: User,
  others: readonly Hosting[],
  { labels, hasKey }: { readonly labels: Hosting['labels']; readonly hasKey: boolean },
): Hosting {
  const id = randomUUID();
  const vmName = `vm-${id.slice(0, 8)}`;
  const sshPort = lowestFree(
    10_001,
    others.map((each) => each.sshPort),
  );
  const hostNumber = lowestFree(
    10,
    others.map(({ ip }) => Number(ip.split('.').at(-1))),
  );
  const how = `-i ~/.ssh/${hasKey ? 'id_ed25519' : vmName} -o HostKeyAlias=${vmName}`;
  return {
    ...{
      id,
      userId: user.id,
      vmName,
      status: 'creating',
      image: 'micro',
      ip: `10.90.0.${hostNumber}`,
      sshPort,
    },
    ...{ memoryMiB: 1024, vcpus: 1, diskGiB: 20, labels },
    webUrl: `http://localhost/${user.id}/`,
    subdomainUrl: `http://${user.username}.localhost/`,
    sshCommand: `ssh ${how} -p ${sshPort} ubuntu@localhost`,
    sftpCommand: `sftp ${how} -P ${sshPort} ubuntu@localhost`,
    ...{ knownHosts: [], failure: null, drift: neverLooked, createdAt: new Date(), readyAt: null },
  };
}

function lowestFree(first: number, used: readonly number[]): number {
  let free = first;
  while (used.includes(free)) free += 1;
  return free;
}
