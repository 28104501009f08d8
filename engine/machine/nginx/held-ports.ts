/**
 * SSH ports that Nginx should listen on and another program holds. Nginx does not start with one of them in its
 * configuration, so they are left out until they are free, and everybody else is served.
 */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { type Listener, listeners, programsOf } from './listening';
import type { HeldPort } from './proxy';

export interface Wanted {
  /** What Nginx listens on, or is to. */
  readonly ports: readonly number[];
  /** The configuration that is served now; null when none is. */
  readonly served: string | null;
  /** Nginx's directory, in which its processes work. */
  readonly dir: string;
}

/** Those of `ports` that somebody else holds, and who, where that can be seen. */
export async function heldPorts(wanted: Wanted): Promise<HeldPort[]> {
  const ours = streamPorts(wanted.served ?? '');
  const suspects = new Set(wanted.ports.filter((port) => !ours.has(port)));
  if (suspects.size === 0) return [];
  const found = (await listeners()).filter(({ port }) => suspects.has(port));
  if (found.length === 0) return [];
  return nameHolders(found, await realpath(wanted.dir).catch(() => wanted.dir));
}

async function nameHolders(found: readonly Listener[], dir: string): Promise<HeldPort[]> {
  const programs = await programsOf(new Set(found.map(({ inode }) => inode)));
  const held = new Map<number, HeldPort>();
  for (const { port, inode } of found) {
    const program = programs.get(inode);
    // left over from an Nginx whose master died: it is ended before the next one starts
    if (program?.dir === dir || program?.dir === path.join(dir, 'ssh')) continue;
    const holder = program === undefined ? null : `${program.name} (process ${program.pid})`;
    if (held.get(port)?.holder == null) held.set(port, { port, holder });
  }
  return [...held.values()];
}

/** Ports that a configuration of SSH listens on. */
export function streamPorts(configuration: string): Set<number> {
  return new Set(
    [...configuration.matchAll(/^\s*listen (?:\[::\]:)?(\d+);$/gm)].map(([, port]) => Number(port)),
  );
}
