/** What `webhoster doctor` finds and mends, as tests ask it. */
import type { System } from '../worlds/system';

export interface Found {
  readonly kind: string;
  readonly subject: string;
  readonly detail?: string;
}

interface Diagnosis {
  readonly findings: readonly Found[];
  readonly left: readonly Found[];
}

export interface Doctor {
  /** Kind and subject of what is found now, in order. */
  found(): Promise<string[]>;
  /** @returns kind and subject of what was found at first, and of what is left */
  fix(): Promise<{ found: string[]; left: string[] }>;
  /** What stands under TO DO in its table, of a finding's kind. */
  advice(kind: string): Promise<string>;
}

export function doctorOf(system: System): Doctor {
  const diagnose = async (...options: string[]): Promise<Diagnosis> =>
    JSON.parse((await system.tryWebhoster(['doctor', '--json', ...options])).stdout) as Diagnosis;
  const told = (findings: readonly Found[]): string[] =>
    findings.map(({ kind, subject }) => `${kind} ${subject}`).sort();
  return {
    found: async () => told((await diagnose()).findings),
    fix: async () => {
      const { findings, left } = await diagnose('--fix');
      return { found: told(findings), left: told(left) };
    },
    advice: async (kind) => {
      const { stdout } = await system.tryWebhoster(['doctor']);
      const [heading = '', ...lines] = stdout.split('\n');
      const line = lines.find((each) => each.startsWith(`${kind} `)) ?? '';
      return line.slice(heading.indexOf('TO DO')).trim();
    },
  };
}
