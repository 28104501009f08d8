/** A hosting's row as its owner sees it. */
import type { Hosting, User } from './engine';
import type { Config } from './config';
import { guestUser } from './cloud-init';
import type { OwnedHosting } from './store/hostings';

export function toHosting(row: OwnedHosting, owner: Pick<User, 'username'>, config: Config): Hosting {
  const access = accessOf(row, owner, config);
  const hostName = row.sshPort === 22 ? config.PUBLIC_HOST : `[${config.PUBLIC_HOST}]:${row.sshPort}`;
  return {
    id: row.id,
    userId: row.userId,
    vmName: row.vmName,
    status: row.status,
    image: row.image,
    ip: row.ip,
    sshPort: row.sshPort,
    memoryMiB: row.memoryMiB,
    vcpus: row.vcpus,
    diskGiB: row.diskGiB,
    labels: row.labels,
    ...access,
    knownHosts: row.sshHostKeys.map((key) => `${hostName} ${key}`),
    failure: row.failureCode === null ? null : { code: row.failureCode, message: row.failureMessage ?? '' },
    createdAt: row.createdAt,
    readyAt: row.readyAt,
  };
}

/** How the outside reaches a hosting. */
export function accessOf(
  row: Pick<OwnedHosting, 'userId' | 'sshPort'>,
  owner: Pick<User, 'username'>,
  { HTTP_PORT, PUBLIC_HOST, BASE_DOMAIN }: Config,
): Pick<Hosting, 'webUrl' | 'subdomainUrl' | 'sshCommand' | 'sftpCommand'> {
  const port = HTTP_PORT === 80 ? '' : `:${HTTP_PORT}`;
  return {
    webUrl: `http://${PUBLIC_HOST}${port}/${row.userId}`,
    subdomainUrl: `http://${owner.username}.${BASE_DOMAIN}${port}/`,
    sshCommand: `ssh -p ${row.sshPort} ${guestUser}@${PUBLIC_HOST}`,
    sftpCommand: `sftp -P ${row.sshPort} ${guestUser}@${PUBLIC_HOST}`,
  };
}
