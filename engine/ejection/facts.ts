/** What an ejected hosting is told by, where no database knows it. */
import { z } from 'zod';
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

/** What an adoption is accepted with. The specification is one of the allow-list's; the state as the database keeps it. */
export const adoptInput = z.object({
  facts: z.object({
    id: z.uuid(),
    vmName: z.string(),
    image: z.string(),
    memoryMiB: z.int(),
    vcpus: z.int(),
    diskGiB: z.int(),
    ip: z.string(),
    mac: z.string(),
    sshPort: z.int(),
    sshPublicKey: z.string(),
    sshHostKeys: z.array(z.string()),
    labels: z.record(z.string(), z.string()).default({}),
    username: z.string(),
    createdAt: z.string(),
  }) satisfies z.ZodType<EjectedFacts>,
  spec: z.custom<HostingSpec>(isHostingSpec),
  stateSerial: z.int(),
  /** In base64. */
  stateSealed: z.base64(),
});
export type AdoptInput = z.output<typeof adoptInput>;

function isHostingSpec(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 'kind' in given && given.kind === 'hosting';
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
