/** A hosting's row as its owner sees it. */
import type { DriftFound, Hosting, User } from './engine';
import type { Config } from './config';
import { guestUser } from './cloud-init';
import { neverLooked } from './store/drift';
import { originOf } from './origins';
import type { OwnedHosting } from './store/hostings';

/** @param drift  what the last look found. @default that none was made */
export function toHosting(
  row: OwnedHosting,
  owner: Pick<User, 'username'>,
  config: Config,
  drift: DriftFound = neverLooked,
): Hosting {
  const access = accessOf(row, owner, config);
  const hostName = row.sshPort === 22 ? config.PUBLIC_HOST : `[${config.PUBLIC_HOST}]:${row.sshPort}`;
  return {
    id: row.id,
    userId: row.userId,
    vmName: row.vmName,
    status: row.status === 'running' ? (row.trouble ?? row.status) : row.status,
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
    drift,
    createdAt: row.createdAt,
    readyAt: row.readyAt,
  };
}

/** How the outside reaches a hosting. */
export function accessOf(
  row: Pick<OwnedHosting, 'userId' | 'sshPort'>,
  owner: Pick<User, 'username'>,
  config: Config,
): Pick<Hosting, 'webUrl' | 'subdomainUrl' | 'sshCommand' | 'sftpCommand'> {
  const { PUBLIC_HOST, BASE_DOMAIN } = config;
  return {
    webUrl: `${originOf(config, PUBLIC_HOST)}/${row.userId}`,
    subdomainUrl: `${originOf(config, `${owner.username}.${BASE_DOMAIN}`)}/`,
    sshCommand: `ssh -p ${row.sshPort} ${guestUser}@${PUBLIC_HOST}`,
    sftpCommand: `sftp -P ${row.sshPort} ${guestUser}@${PUBLIC_HOST}`,
  };
}
