/**
 * An ejected hosting as files: all that is needed to go on with its VM by Terraform alone, and to take it back. Pure.
 * Every file is to be treated as a secret: state and user data hold in plain text whatever was put into them.
 */
import { z } from 'zod';
import { checkSpec, type HostingSpec } from '../../stacks';
import { EngineError } from '../base/errors';
import { digestOf, sha256 } from './digest';
import type { EjectedFacts } from './facts';
import { toHcl } from '../machine/terraform/hcl';
import type { StateSnapshot } from '../machine/terraform/workspace';

/** Grows when an older adopt could not read what a newer eject writes. */
const format = 1;

/** The file with facts, specification and checksums; the state beside it. Nothing else is needed to take a VM back. */
export const factsFile = 'hosting.json';
export const stateFile = 'terraform.tfstate';
export const hclFile = 'main.tf';
/** Terraform reads one form only: this one by its own name, in the place of the other. */
export const jsonFile = 'cdk.tf.json.inactive';

export interface BundleFile {
  /** Relative to the directory. */
  readonly path: string;
  readonly content: Buffer;
}

export interface Bundled {
  readonly facts: EjectedFacts;
  readonly spec: HostingSpec;
  readonly state: StateSnapshot;
  /** Files that are not as they were written. */
  readonly changed: readonly string[];
}

export interface BundleInput {
  readonly facts: EjectedFacts;
  readonly spec: HostingSpec;
  readonly stackJson: string;
  readonly state: Buffer;
  readonly readme: string;
  /** Of this product. */
  readonly version: string;
  /** ISO 8601 */
  readonly ejectedAt: string;
}

export function bundleOf(input: BundleInput): BundleFile[] {
  const { facts, spec, stackJson, state, readme, version, ejectedAt } = input;
  const files: BundleFile[] = [
    { path: 'README.md', content: Buffer.from(readme) },
    { path: hclFile, content: Buffer.from(toHcl(stackJson)) },
    { path: jsonFile, content: Buffer.from(stackJson) },
    { path: stateFile, content: state },
    { path: 'cloud-init/user-data', content: Buffer.from(spec.cloudInit.userData) },
    { path: 'cloud-init/meta-data', content: Buffer.from(spec.cloudInit.metaData) },
  ];
  const body = {
    format,
    product: 'vm-webhoster',
    version,
    ejected_at: ejectedAt,
    hosting: shown(facts),
    spec,
    state: identityOf(state),
    files: Object.fromEntries(files.map(({ path, content }) => [path, sha256(content)])),
  };
  const written = { ...body, checksum: digestOf(body) };
  return [...files, { path: factsFile, content: Buffer.from(`${JSON.stringify(written, null, 2)}\n`) }];
}

const text = z.string().min(1).max(4096);
const hostingShape = z.strictObject({
  id: z.uuid(),
  vm_name: text,
  username: text,
  image: text,
  memory_mib: z.int().positive(),
  vcpus: z.int().positive(),
  disk_gib: z.int().positive(),
  ip: text,
  mac: text,
  ssh_port: z.int().min(1).max(65_535),
  ssh_public_key: text,
  ssh_host_keys: z.array(text),
  labels: z.record(z.string(), z.string()),
  created_at: z.iso.datetime(),
});
const identityShape = z.object({ lineage: text, serial: z.int().nonnegative() });
const shape = z.strictObject({
  format: z.literal(format),
  product: z.literal('vm-webhoster'),
  version: text,
  ejected_at: z.iso.datetime(),
  hosting: hostingShape,
  spec: z.unknown(),
  state: identityShape,
  files: z.record(z.string(), text),
  checksum: text,
});

/**
 * Reads what `bundleOf` made. The state may be a newer one of the same lineage: whoever had the VM may have applied.
 *
 * @param read  content of a file by its path; null where there is none
 * @throws {EngineError} validation_failed, saying what is wrong with which file
 */
export async function readBundle(read: (path: string) => Promise<Buffer | null>): Promise<Bundled> {
  const body = parsedFacts(await read(factsFile));
  const spec = allowed(body.spec);
  const state = await read(stateFile);
  if (state === null)
    throw refused(
      `${stateFile} is missing; if the state is kept elsewhere, \`terraform state pull\` writes it`,
    );
  const found = identityOf(state);
  const asWritten = sha256(state) === body.files[stateFile];
  if (found.lineage !== body.state.lineage)
    throw refused(`${stateFile} is not the state that this hosting was ejected with: its lineage differs`);
  if (!asWritten && found.serial <= body.state.serial)
    throw refused(`${stateFile} is damaged: its checksum differs, but no apply has made it newer`);
  const changed: string[] = [];
  for (const [path, checksum] of Object.entries(body.files)) {
    const content = path === stateFile ? state : await read(path);
    if (content === null || sha256(content) !== checksum) changed.push(path);
  }
  return { facts: factsIn(body.hosting), spec, state: { serial: found.serial, content: state }, changed };
}

function parsedFacts(content: Buffer | null): z.output<typeof shape> {
  if (content === null)
    throw refused(`${factsFile} is missing: this is not a directory written by \`webhoster eject\``);
  const json = parseJson(content, factsFile) as { format?: unknown; checksum?: unknown };
  if (typeof json.format === 'number' && json.format > format)
    throw refused(`${factsFile} has format ${json.format}, but this version reads ${format}: update first`);
  const { checksum, ...body } = json;
  if (checksum !== digestOf(body))
    throw refused(`${factsFile} has changed since it was written: its checksum differs`);
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  throw refused(`${factsFile} cannot be used: ${parsed.error.issues[0]?.path.join('.') ?? 'its content'}`);
}

/** The synthesizer would refuse it as well, with less to say. */
function allowed(value: unknown): HostingSpec {
  try {
    const spec = checkSpec(value);
    if (spec.kind === 'hosting') return spec;
  } catch (cause) {
    throw refused(`${factsFile}: spec is not allowed: ${cause instanceof Error ? cause.message : ''}`);
  }
  throw refused(`${factsFile}: spec is not that of a hosting`);
}

function identityOf(state: Buffer): z.output<typeof identityShape> {
  const parsed = identityShape.safeParse(parseJson(state, stateFile));
  // before the lineage is known there is nothing that a state could be of
  if (parsed.success) return { lineage: parsed.data.lineage, serial: parsed.data.serial };
  throw refused(`${stateFile} is not a Terraform state`);
}

function parseJson(content: Buffer, file: string): object {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // told below: what stands there is nothing for a message
  }
  throw refused(`${file} is not JSON`);
}

function shown(facts: EjectedFacts): z.input<typeof hostingShape> {
  return {
    id: facts.id,
    vm_name: facts.vmName,
    username: facts.username,
    image: facts.image,
    memory_mib: facts.memoryMiB,
    vcpus: facts.vcpus,
    disk_gib: facts.diskGiB,
    ip: facts.ip,
    mac: facts.mac,
    ssh_port: facts.sshPort,
    ssh_public_key: facts.sshPublicKey,
    ssh_host_keys: [...facts.sshHostKeys],
    labels: { ...facts.labels },
    created_at: facts.createdAt,
  };
}

function factsIn(hosting: z.output<typeof hostingShape>): EjectedFacts {
  return {
    id: hosting.id,
    vmName: hosting.vm_name,
    username: hosting.username,
    image: hosting.image,
    memoryMiB: hosting.memory_mib,
    vcpus: hosting.vcpus,
    diskGiB: hosting.disk_gib,
    ip: hosting.ip,
    mac: hosting.mac,
    sshPort: hosting.ssh_port,
    sshPublicKey: hosting.ssh_public_key,
    sshHostKeys: hosting.ssh_host_keys,
    labels: hosting.labels,
    createdAt: hosting.created_at,
  };
}

function refused(message: string): EngineError {
  return new EngineError('validation_failed', message);
}
