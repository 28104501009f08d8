/** Sweeps every few minutes, once for all workers, and reports; mends by itself only where the configuration says so. */
import type { EngineParts } from '../durable';
import { fix } from './fix';
import { sweep } from './sweep';
import type { SweepReport } from './findings';
import { recordSweep } from '../store/sweeps';
import { takeTurn } from '../store/turns';
import { theService } from '../audit';
import { andThen, every, type Reconciler } from '../base/every';

/** How often it is looked whether a sweep is due. */
const lookMs = 10_000;
const settleMs = 30_000;

/** @returns stops sweeping */
export function reconcileBySweeping(engine: EngineParts): Reconciler {
  const { config, database, log } = engine.parts;
  const stop = new AbortController();
  let told = '';
  const tell = ({ findings, ms }: SweepReport): void => {
    const kinds: Record<string, number> = {};
    for (const { kind } of findings) kinds[kind] = (kinds[kind] ?? 0) + 1;
    const news = JSON.stringify(kinds);
    if (news === told) return;
    told = news;
    if (findings.length === 0) log.info({ ms }, 'sweep finds nothing');
    else log.warn({ kinds, ms }, 'sweep found something; `webhoster doctor` shows it');
  };
  const begun = performance.now();
  const looking = every({ name: 'sweep', intervalMs: lookMs, log }, async () => {
    // what has only just started is not in order yet
    if (performance.now() - begun < settleMs) return;
    if (!(await takeTurn(database.direct, 'sweep', config.SWEEP_INTERVAL_SECONDS))) return;
    const report = await sweep(engine.parts);
    await recordSweep(database.direct, report);
    tell(report);
    const found = `${report.findings.length} findings`;
    if (!config.SWEEP_FIX || report.findings.length === 0) return found;
    const mended = await fix(engine, report.findings, {
      ...{ who: theService, unknown: false, handover: stop.signal },
    });
    log.info(
      { mended: mended.map(({ finding, result }) => ({ kind: finding.kind, result })) },
      'sweep mended',
    );
    return `${found}, ${mended.filter(({ result }) => result === 'fixed').length} fixed`;
  });
  return andThen(looking, () => {
    stop.abort(new Error('the service stops'));
  });
}
