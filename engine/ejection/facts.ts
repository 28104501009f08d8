/** What an ejected hosting is told by, where no database knows it. */
import type { HostingSpec } from '../../stacks';
import type { HostingRow } from '../store/hostings';

/** Its owner is told by name: another database has other numbers. */
export type EjectedFacts = Pick<
  HostingRow,
  | 'id'
  | 'vmName'
  | 'image'
  | 'memoryMiB'
  | 'vcpus'
  | 'diskGiB'
  | 'ip'
  | 'mac'
  | 'sshPort'
  | 'sshPublicKey'
  | 'sshHostKeys'
  | 'labels'
> & {
  readonly username: string;
  /** ISO 8601 */
  readonly createdAt: string;
};

/** What an adoption is accepted with. */
export interface AdoptInput {
  readonly facts: EjectedFacts;
  readonly spec: HostingSpec;
  readonly stateSerial: number;
  /** As the database keeps states, in base64. */
  readonly stateSealed: string;
}

/** What an ejection is accepted with: the hosting must still be what was written. */
export interface EjectInput {
  readonly stateSerial: number;
  readonly specDigest: string;
}

export function factsOf(row: HostingRow, username: string): EjectedFacts {
  return {
    id: row.id,
    vmName: row.vmName,
    username,
    image: row.image,
    memoryMiB: row.memoryMiB,
    vcpus: row.vcpus,
    diskGiB: row.diskGiB,
    ip: row.ip,
    mac: row.mac,
    sshPort: row.sshPort,
    sshPublicKey: row.sshPublicKey,
    sshHostKeys: row.sshHostKeys,
    labels: row.labels,
    createdAt: row.createdAt.toISOString(),
  };
}
