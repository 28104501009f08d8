/** A hosting's row as its owner sees it. */
import type { DriftFound, Hosting } from '../model/hosting';
import type { User } from '../model/account';
import type { Config } from '../base/config';
import { guestUser } from '../machine/guest/cloud-init';
import { neverLooked } from '../store/drift';
import { originOf } from '../base/origins';
import { madeKeyComment } from './ssh-key';
import type { OwnedHosting } from '../store/hostings';

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
    knownHosts: row.sshHostKeys.map((key) => `${hostName},${row.vmName} ${key}`),
    failure: row.failureCode === null ? null : { code: row.failureCode, message: row.failureMessage ?? '' },
    drift,
    createdAt: row.createdAt,
    readyAt: row.readyAt,
  };
}

/** Where OpenSSH keeps the keys of each type. */
const usualFiles: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'id_ed25519',
  'ssh-rsa': 'id_rsa',
  'sk-ssh-ed25519@openssh.com': 'id_ed25519_sk',
  'sk-ecdsa-sha2-nistp256@openssh.com': 'id_ecdsa_sk',
};

/** Where the private key is meant to be: of a pair that was made here, in a file of the VM's name. */
function keyFile({ sshPublicKey, vmName }: Pick<OwnedHosting, 'sshPublicKey' | 'vmName'>): string {
  const [type = '', , comment = ''] = sshPublicKey.split(' ');
  if (comment.startsWith(madeKeyComment)) return `~/.ssh/${vmName}`;
  return `~/.ssh/${usualFiles[type] ?? 'id_ecdsa'}`;
}

/**
 * How the outside reaches a hosting. The alias is the name that SSH remembers the VM by: its port may have belonged to
 * another VM before, whose key is not to be met under it.
 */
export function accessOf(
  row: Pick<OwnedHosting, 'userId' | 'sshPort' | 'vmName' | 'sshPublicKey'>,
  owner: Pick<User, 'username'>,
  config: Config,
): Pick<Hosting, 'webUrl' | 'subdomainUrl' | 'sshCommand' | 'sftpCommand'> {
  const { PUBLIC_HOST, BASE_DOMAIN } = config;
  const how = `-i ${keyFile(row)} -o HostKeyAlias=${row.vmName}`;
  return {
    webUrl: `${originOf(config, PUBLIC_HOST)}/${row.userId}/`,
    subdomainUrl: `${originOf(config, `${owner.username}.${BASE_DOMAIN}`)}/`,
    sshCommand: `ssh ${how} -p ${row.sshPort} ${guestUser}@${PUBLIC_HOST}`,
    sftpCommand: `sftp ${how} -P ${row.sshPort} ${guestUser}@${PUBLIC_HOST}`,
  };
}
