/** `webhoster doctor`: a sweep at once, and on request what it found is mended. */
import type { EngineParts } from '../durable';
import type { Command } from '../model/actor';
import { restoredFrom } from '../store/restores';
import { recordSweep } from '../store/sweeps';
import type { Finding, SweepReport } from './findings';
import { fix, type Mended } from './fix';
import { sweep } from './sweep';

export interface DoctorOptions extends Command {
  /** Mends what can be mended. */
  readonly fix: boolean;
  /** Mends also what the database never knew although it was restored from a backup, which may be older. */
  readonly unknown: boolean;
  readonly onMended?: (mended: Mended) => void;
}

export interface Diagnosis {
  /** What was found at first. */
  readonly report: SweepReport;
  /** What was done about each finding; null when nothing was asked for. */
  readonly mended: readonly Mended[] | null;
  /** What a second look found after mending; the first findings when nothing was asked for. */
  readonly left: readonly Finding[];
  /** When the backup was made that this database was restored from, if it was. */
  readonly restoredFrom: Date | null;
}

/** @throws {EngineError} when it could not look: database_unavailable, libvirt_unavailable, … */
export async function examine(engine: EngineParts, options: DoctorOptions): Promise<Diagnosis> {
  const { parts } = engine;
  const look = async (): Promise<SweepReport> => {
    const report = await sweep(parts);
    await recordSweep(parts.database.direct, report);
    return report;
  };
  const restored = await restoredFrom(parts.database.direct);
  const report = await look();
  if (!options.fix || report.findings.length === 0)
    return { report, mended: null, left: report.findings, restoredFrom: restored };
  const unknown = options.unknown || restored === null;
  const mended = await fix(engine, report.findings, { ...options, unknown });
  return { report, mended, left: (await look()).findings, restoredFrom: restored };
}
