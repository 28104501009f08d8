/**
 * Kills and freezes what makes and removes hostings, at every point of it, and looks whether every promise is kept.
 *
 *     npm run test:chaos -- [--repeat 5] [--sample N] [--only PATTERN] [--seed N] [--workers 10] [--minutes 60] [--json FILE]
 *
 * Exit codes: 0 every promise was kept, 1 one was not, 130 stopped by a signal.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { allCases, type Case, sampleOf } from './cases';
import { play } from './driver';
import { eventually } from './eventually';
import { judge, type Judgement } from './judge';
import { readOptions, spareWorkers } from './options';
import { progress, summarize, table, verdict } from './report';
import { allRows, nameOfRow } from './rows';
import { openStage, type Stage } from './stage';
import { story } from './story';
import { allTraces } from './traces';

const startDeadlineMs = 60_000;
const closeDeadlineMs = 300_000;
const started = performance.now();

class Interrupted extends Error {}

async function main(): Promise<number> {
  const { seed, repeat, sample, only, workers, minutes, json } = readOptions();
  const stop = stopSignal(minutes);
  const rows = allRows().filter((row) => only.test(nameOfRow(row)));
  const cases = sample === null ? allCases(rows, seed, repeat) : sampleOf(rows, seed, sample);
  say(`${cases.length} cases, ${workers} workers, seed ${seed}`);
  const judgements: Judgement[] = [];
  const wrong: string[] = [];
  const stage = await openStage(workers);
  try {
    await perform(stage, { cases, sideBySide: workers - spareWorkers, stop }, judgements);
  } catch (thrown) {
    wrong.push(describe(thrown));
  }
  wrong.push(...deathsOf(stage));
  say('removing what was started');
  await inTime(stage.close(), closeDeadlineMs).catch((thrown: unknown) => wrong.push(describe(thrown)));

  const summary = summarize(
    { seed, workers, seconds: seconds(), planned: cases.length, wrong },
    rows,
    judgements,
  );
  console.log(`\n${table(summary)}\n`);
  for (const text of wrong) console.log(`wrong with the run: ${text}`);
  console.log(verdict(summary));
  if (json !== null) writeFileSync(json, `${JSON.stringify({ ...summary, judgements }, null, 2)}\n`);
  const interrupted = stop.reason instanceof Interrupted;
  if (summary.failed > 0 && !(interrupted && judgements.every(({ passed }) => passed)))
    console.log(`what workers, service and witness wrote: ${stage.dir}`);
  else rmSync(stage.dir, { recursive: true });
  if (interrupted) return 130;
  return summary.failed === 0 ? 0 : 1;
}

/** @throws what ended it early, or what of the hostings is left on the machine */
async function perform(
  stage: Stage,
  { cases, sideBySide, stop }: { cases: readonly Case[]; sideBySide: number; stop: AbortSignal },
  judgements: Judgement[],
): Promise<void> {
  const patience = { timeoutMs: startDeadlineMs, what: 'workers have started Nginx', signal: stop };
  await eventually(patience, () => fetch(stage.system.web).catch(() => null));
  const before = await allTraces(stage);
  const waiting = new Set(cases);
  const playing = new Set<Case>();
  const next = (): Case | undefined => {
    const oneIsAlone = [...playing].some(({ alone }) => alone);
    const found = [...waiting].find(({ alone }) => !(alone && oneIsAlone)) ?? [...waiting][0];
    if (found) waiting.delete(found);
    return found;
  };
  // most of a case is waiting for a lease to run out
  const lane = async (): Promise<void> => {
    for (let it = next(); it !== undefined; it = next()) {
      playing.add(it);
      const judgement = judge(await play(stage, it, stop));
      playing.delete(it);
      judgements.push(judgement);
      say(`${String(judgements.length).padStart(3)}/${cases.length}  ${progress(judgement)}`);
      if (!judgement.passed) console.log((await story(stage, judgement)).join('\n'));
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: sideBySide }, lane));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  const left = (await allTraces(stage)).filter((trace) => !before.includes(trace));
  if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
}

/** Fires on Ctrl-C and when time is up; what was started is removed then, too. */
function stopSignal(minutes: number): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      stop.abort(new Interrupted(`stopped by ${name}`));
    });
  const timeUp = (): void => {
    stop.abort(new Error(`not done in ${minutes} minutes`));
  };
  setTimeout(timeUp, minutes * 60_000).unref();
  return stop.signal;
}

/** Ends of workers that were nobody's plan. */
function deathsOf({ crew }: Stage): string[] {
  const [first] = crew.unexpected;
  return first === undefined
    ? []
    : [`${crew.unexpected.length} workers ended by themselves, the first: ${first}`];
}

async function inTime(work: Promise<void>, timeoutMs: number): Promise<void> {
  const late = new Promise<never>((_, reject) => {
    const timeUp = (): void => {
      reject(new Error(`not removed in ${timeoutMs / 1000} s`));
    };
    setTimeout(timeUp, timeoutMs).unref();
  });
  await Promise.race([work, late]);
}

function say(text: string): void {
  console.log(`${seconds().toFixed(0).padStart(5)} s  ${text}`);
}

function seconds(): number {
  return (performance.now() - started) / 1000;
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(describe(error));
    process.exit(1);
  },
);
