/** What a run said and how long its parts took, gathered from Terraform's events as they come. */
import type { TerraformEvent } from './terraform';

/** One bar of a run's waterfall: `startMs` counts from the beginning of the run. */
export interface Phase {
  readonly phase: string;
  readonly startMs: number;
  readonly ms: number;
}

export interface RunRecord {
  /** Takes one event; returns the line for the log. */
  take(event: TerraformEvent): string;
  /** The whole run first, then each resource in the order of its beginning. */
  phases(name: string): Phase[];
}

/** A PEM block in an error message would be one of the guest's host keys. */
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g;
// eslint-disable-next-line no-control-regex
const ansi = /\u001b\[[0-9;]*m/g;

/** @param now  in ms, of a clock that only goes forward */
export function runRecord(now: () => number = () => performance.now()): RunRecord {
  const begun = now();
  const open = new Map<string, number>();
  const resources: Phase[] = [];
  const since = (at: number): number => Math.round(at - begun);

  return {
    take: (event) => {
      const [, verb = '', moment] = /^(refresh|apply)_(start|complete|errored)$/.exec(event.type) ?? [];
      const phase = `${verb} ${event.address ?? ''}`;
      if (moment === 'start') open.set(phase, now());
      const startedAt = open.get(phase);
      if ((moment === 'complete' || moment === 'errored') && startedAt !== undefined) {
        resources.push({ phase, startMs: since(startedAt), ms: Math.round(now() - startedAt) });
        open.delete(phase);
      }
      return `${levels[event.level]}${clean(event.message)}\n`;
    },
    phases: (name) => [
      { phase: name, startMs: 0, ms: since(now()) },
      ...resources.sort((a, b) => a.startMs - b.startMs),
    ],
  };
}

const levels: Record<TerraformEvent['level'], string> = { info: '', warn: 'warning: ', error: 'error: ' };

/** Without colours and private keys. Terraform itself leaves sensitive values out of what it says. */
export function clean(text: string): string {
  return text.replace(ansi, '').replace(privateKey, '(private key)');
}
