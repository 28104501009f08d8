/**
 * The last gate before Terraform: whatever the engine let through, only what stands here becomes configuration.
 */
import type { StackSpec } from '../spec';
import { both, byKind, flag, integer, list, object, oneOf, optional, refuse, type Check } from './checks';
import { network } from './cidr';
import * as words from './words';

const GIB = 2 ** 30;
const TIB = 2 ** 40;
const KIB = 2 ** 10;

const boot: Check = byKind({
  disk: object({ kind: oneOf('disk') }),
  'direct-kernel': object({
    kind: oneOf('direct-kernel'),
    kernel: words.filePath,
    initrd: words.filePath,
    cmdline: words.kernelCommandLine,
  }),
});

const hosting: Check = object({
  kind: oneOf('hosting'),
  hostingId: words.uuid,
  vmName: words.hostName,
  node: object({
    uri: words.libvirtUri,
    pool: words.libvirtName,
    network: words.libvirtName,
    filter: optional(words.libvirtName),
  }),
  domainType: oneOf('kvm', 'qemu'),
  memoryMiB: integer(32, 4 * KIB * KIB),
  vcpus: integer(1, 255),
  diskBytes: integer(GIB / KIB, 64 * TIB),
  ip: words.ipv4,
  mac: words.mac,
  limits: optional(
    object({
      cpuShares: optional(integer(1, 262_144)),
      cpuPercent: optional(integer(1, 100)),
      diskIops: optional(integer(10, 10_000_000)),
      diskKiBps: optional(integer(10, 1_000 * KIB * KIB)),
      networkKiBps: optional(integer(10, 100 * KIB * KIB)),
    }),
  ),
  image: object({ baseVolumePath: words.filePath, boot }),
  asleep: optional(flag),
  cloudInit: object({ userData: words.document(KIB * KIB), metaData: words.document(64 * KIB) }),
});

const images: Check = both(
  list(object({ volumeName: words.libvirtName, sourcePath: words.filePath }), { min: 0, max: 64 }),
  (value, field) => {
    const names = (value as { volumeName: string }[]).map((each) => each.volumeName.replaceAll('.', '-'));
    names.forEach((name, index) => {
      if (names.indexOf(name) !== index)
        refuse(`${field}[${index.toString()}].volumeName`, 'is too like an earlier one');
    });
  },
);

const node: Check = object({
  kind: oneOf('node'),
  name: words.hostName,
  uri: words.libvirtUri,
  pool: object({ name: words.libvirtName, path: words.filePath, hypervisorGid: optional(words.groupId) }),
  network,
  images,
});

const stack: Check = byKind({ hosting, node });

/**
 * @returns the same value, now known to be a specification
 * @throws {Error} with one line that names the first field at fault
 */
export function checkSpec(value: unknown): StackSpec {
  words.refuseActiveText(value, '');
  stack(value, '');
  return value as StackSpec;
}
