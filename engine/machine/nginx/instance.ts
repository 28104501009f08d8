/**
 * One Nginx: its configuration is tested by Nginx itself, swapped in atomically, and reloaded; the new generation must
 * then be served, or the old file comes back.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock';
import { EngineError } from '../../base/errors';
import { ignoreMissing } from '../../base/files';
import type { CommandResult } from '../../base/process';
import { type NginxControl, unreachable } from './control';

export interface Rendered {
  readonly generation: string;
  readonly text: string;
}

export interface Instance {
  /** What is written; null when nothing is. */
  written(): Promise<string | null>;
  /** The generation that answers; null when nobody does. */
  generation(): Promise<string | null>;
  serves(wanted: Rendered): Promise<boolean>;
  /** @throws {EngineError} proxy_refused; nothing has changed then */
  test(wanted: Rendered): Promise<void>;
  /**
   * Serves what was tested. When it is not served in time, the old file is back before the error is thrown.
   *
   * @returns takes it back
   * @throws {EngineError} proxy_unreachable
   */
  swap(wanted: Rendered): Promise<() => Promise<void>>;
}

export interface InstanceOptions {
  readonly dir: string;
  readonly control: NginxControl;
  readonly clock: Clock;
  /** Runs the program on a configuration file, with more arguments. */
  readonly nginx: (file: string, ...args: string[]) => Promise<CommandResult>;
  /** Asks the Nginx that runs. Null, or an error, when none does. */
  readonly ask: () => Promise<string | null>;
}

const reloadDeadlineMs = 10_000;
/** Nginx lets its old workers accept for 100 ms after the new ones have begun, so one answer proves nothing. */
const sureAfter = 10;
const probePauseMs = 15;

export function nginxInstance({ dir, control, clock, nginx, ask }: InstanceOptions): Instance {
  const current = path.join(dir, 'nginx.conf');
  const candidate = path.join(dir, 'nginx.conf.candidate');
  const written = (): Promise<string | null> => readFile(current, 'utf8').catch(ignoreMissing);
  const generation = (): Promise<string | null> => ask().catch(() => null);

  const isServed = async (wanted: string): Promise<void> => {
    const deadline = clock.elapsedMs() + reloadDeadlineMs;
    for (let inARow = 0; inARow < sureAfter;) {
      inARow = (await generation()) === wanted ? inARow + 1 : 0;
      if (inARow === 0 && clock.elapsedMs() > deadline) throw unreachable('the new generation is not served');
      await clock.sleep(probePauseMs);
    }
  };
  const takeBack = async (before: string | null): Promise<void> => {
    if (before === null) return;
    await writeFile(candidate, before, { mode: 0o600 });
    await rename(candidate, current);
    await control.takeUp(current).catch(() => undefined);
  };

  return {
    written,
    generation,
    serves: async (wanted) => (await written()) === wanted.text && (await generation()) === wanted.generation,
    test: async ({ text }) => {
      await writeFile(candidate, text, { mode: 0o600 });
      const { code, stderr } = await nginx(candidate, '-t', '-q');
      if (code !== 0) throw refused(stderr);
    },
    swap: async ({ text, generation: wanted }) => {
      const before = await written();
      await writeFile(candidate, text, { mode: 0o600 });
      await rename(candidate, current);
      try {
        await control.takeUp(current);
        await isServed(wanted);
      } catch (cause) {
        await takeBack(before);
        throw cause;
      }
      return () => takeBack(before);
    },
  };
}

function refused(story: string): EngineError {
  const message = /unknown directive "(init|header_filter|body_filter)_by_lua_block"/.test(story)
    ? 'Nginx has no Lua module, which it needs to check the responses of VMs: install libnginx-mod-http-lua'
    : undefined;
  return new EngineError('proxy_refused', message, { cause: new Error(story) });
}

/** No name that a user may have, so nothing else in the file is taken for it. */
const placeholder = '@generation@';

/**
 * The generation is a checksum over the file that carries it, with the placeholder in its place.
 *
 * @param render  makes the file of a generation
 */
export function withGeneration(render: (generation: string) => string): Rendered {
  const body = render(placeholder);
  const generation = createHash('sha256').update(body).digest('hex').slice(0, 16);
  return { generation, text: body.replaceAll(placeholder, generation) };
}
