/**
 * Who did what, told by something else than the engine: scripts in the place of Terraform and virsh, triggers in the
 * database, and the kernel's list of processes.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client, Pool } from 'pg';
import { emulators } from './processes';

/** A start of Terraform in a stack's workspace, or a removal by virsh. */
export interface Start {
  readonly at: number;
  /** Process that started it; 1 when that one was dead before the script could ask. */
  readonly parent: number;
  readonly what: string;
  /** Another Terraform, or a provider of one, was still there. */
  readonly double: boolean;
}

/** Longer than a lease lasts, from Terraform's start on. */
const slowSeconds = 90;

/** The first apply of this stack only begins when a lease has run out. */
export function slowDown(dir: string, stackId: string): void {
  writeFileSync(path.join(dir, `slow.${stackId}`), '');
}

/**
 * Writes scripts to be found in the place of Terraform and virsh. Terraform's takes a lock that Terraform and its
 * providers inherit, so that the lock is free only when all of them are gone; those that only read a plan share it.
 * Whether it could have the lock is written down, and Terraform runs in any case.
 *
 * @returns the path of Terraform's; virsh's lies in the same directory
 */
export function writeWitnesses(
  dir: string,
  { terraform, virsh }: Record<'terraform' | 'virsh', string>,
): string {
  const bin = path.join(dir, 'bin');
  const script = path.join(bin, path.basename(terraform));
  const note = `>>'${startsFile(dir)}'`;
  mkdirSync(bin);
  const write = (file: string, lines: readonly string[]): void => {
    writeFileSync(file, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o700 });
  };
  write(script, [
    'case "$PWD" in */workspaces/*)',
    '  stack=${PWD##*/} word=begin',
    `  exec 9>>'${dir}/lock.'"$stack"`,
    '  case $1 in show) how=--shared ;; *) how=--exclusive ;; esac',
    '  flock --nonblock $how 9 || word=double',
    `  echo "$(date +%s%3N) $word $PPID $stack terraform $1" ${note}`,
    // a process of its own, that works in the workspace as a provider does
    `  if [ "$1" = apply ] && mv '${dir}/slow.'"$stack" '${dir}/slowed.'"$stack" 2>&-; then sleep ${slowSeconds}; fi`,
    'esac',
    `exec '${terraform}' "$@"`,
  ]);
  write(path.join(bin, 'virsh'), [
    'case " $* " in *" destroy "* | *" undefine "* | *" vol-delete "*)',
    `  echo "$(date +%s%3N) begin $PPID - virsh $*" ${note}`,
    'esac',
    `exec '${virsh}' "$@"`,
  ]);
  return script;
}

function startsFile(dir: string): string {
  return path.join(dir, 'starts.log');
}

/** @param names  how the hosting is called in libvirt */
export function startsOf(dir: string, names: readonly string[]): Start[] {
  const lines = existsSync(startsFile(dir)) ? readFileSync(startsFile(dir), 'utf8').split('\n') : [];
  return lines
    .filter((line) => names.some((name) => line.includes(name)))
    .map((line) => {
      const [at, word, parent, , ...what] = line.split(' ');
      return { at: Number(at), parent: Number(parent), what: what.join(' '), double: word === 'double' };
    });
}

/** A write of the engine, in the order of commits on its stack; or a claim of the stack's lease. */
export interface Write {
  readonly at: number;
  readonly table: string;
  readonly action: string;
  /** Which process: its application name. */
  readonly writer: string;
  /** Of a claim: who has the lease from now on. */
  readonly owner: string | null;
}

/** Renewals and numbers of events are left out: whoever only counts changes nothing. */
const triggers = `
CREATE TABLE witnessed (
  number bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(), stack_id uuid,
  relation text NOT NULL, action text NOT NULL, writer text NOT NULL, owner text
);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  line jsonb;
BEGIN
  IF TG_OP = 'DELETE' THEN line := to_jsonb(OLD); ELSE line := to_jsonb(NEW); END IF;
  IF TG_OP = 'UPDATE' AND line - 'events' = to_jsonb(OLD) - 'events' THEN RETURN NULL; END IF;
  IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'leases' AND line -> 'token' = to_jsonb(OLD) -> 'token' THEN RETURN NULL; END IF;
  INSERT INTO witnessed (stack_id, relation, action, writer, owner) VALUES (
    coalesce(line ->> 'stack_id', line ->> 'hosting_id', line ->> 'id',
      (SELECT stack_id::text FROM operations WHERE id = (line ->> 'operation_id')::uuid))::uuid,
    TG_TABLE_NAME, lower(TG_OP), current_setting('application_name'), line ->> 'owner');
  RETURN NULL;
END $$;
${[
  'leases',
  'operations',
  'operation_steps',
  'stacks',
  'runs',
  'hostings',
  'routes',
  'ssh_ports',
  'address_leases',
]
  .map(
    (table) =>
      `CREATE TRIGGER witness AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION witness();`,
  )
  .join('\n')}`;

export async function watchDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(triggers);
  } finally {
    await client.end();
  }
}

export async function writesOf(database: Pool, stackId: string): Promise<Write[]> {
  const { rows } = await database.query<Write>(
    `SELECT extract(epoch FROM at)::float8 * 1000 AS at, relation AS "table", action, writer, owner
     FROM witnessed WHERE stack_id = $1 ORDER BY number`,
    [stackId],
  );
  return rows;
}

/** Counts the running VMs of each hosting, twice a second. */
export interface EmulatorWatch {
  /** The most that ran at once for this hosting. */
  most(hostingId: string): number;
  stop(): void;
}

export function watchEmulators(): EmulatorWatch {
  const most = new Map<string, number>();
  const timer = setInterval(() => {
    const now = new Map<string, number>();
    for (const { args } of emulators()) {
      const id = /([0-9a-f-]{36})\.qcow2/.exec(args.join(' '))?.[1];
      if (id !== undefined) now.set(id, (now.get(id) ?? 0) + 1);
    }
    for (const [id, count] of now) most.set(id, Math.max(most.get(id) ?? 0, count));
  }, 500);
  return {
    most: (hostingId) => most.get(hostingId) ?? 0,
    stop: () => {
      clearInterval(timer);
    },
  };
}
