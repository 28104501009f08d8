/** Everything about a case that failed, for whoever looks for the reason. */
import { accusation } from './report';
import type { Judgement } from './judge';
import type { Stage } from './stage';

const lastEvents = 12;
const lastLines = 20;

export async function story(stage: Stage, judgement: Judgement): Promise<string[]> {
  const { it, hosting, operationId, hits, starts, writes } = judgement.facts;
  const faults = it.faults.map(
    ({ act, step, way, moment, delayMs }) => `${act} ${moment} ${way} ${step} +${delayMs} ms`,
  );
  const head = [
    `${it.name}: hosting ${hosting?.id ?? 'none'}, operation ${operationId ?? 'none'}`,
    ...accusation(judgement).map((text) => `  ${text}`),
    `  planned: ${faults.join(', ') || `${it.victim} +${it.delayMs} ms`}`,
    ...hits.map(
      ({ at, worker, woken }) =>
        `  hit at ${clock(at)} ${worker === null ? '' : `${worker.name} ${worker.pid}`}${woken ? `, woken at ${clock(woken.at)}` : ''}`,
    ),
  ];
  if (hosting === null) return head;
  const rows = async (sql: string): Promise<string[]> =>
    (await stage.database.query<{ line: string }>(sql, [hosting.id])).rows.map(({ line }) => `  ${line}`);
  return [
    ...head,
    ...(await rows(
      `SELECT kind || ' ' || status || coalesce(' ' || failure_code || ': ' || failure_message, '') || ': ' ||
         (SELECT string_agg(name || ' ' || status, ', ' ORDER BY position) FROM operation_steps WHERE operation_id = o.id) AS line
       FROM operations o WHERE stack_id = $1 ORDER BY created_at`,
    )),
    ...(await rows(
      `SELECT to_char(at, 'HH24:MI:SS.MS ') || type || ' ' || message AS line FROM (
         SELECT e.* FROM operation_events e JOIN operations o ON o.id = e.operation_id WHERE o.stack_id = $1
         ORDER BY e.at DESC LIMIT ${lastEvents}) last ORDER BY at`,
    )),
    ...writes
      .filter(({ owner }) => owner !== null)
      .map(({ at, writer }) => `  ${clock(at)} claimed by ${writer}`),
    ...starts.map(
      ({ at, what, parent, double }) => `  ${clock(at)} ${what} by ${parent}${double ? ' DOUBLE' : ''}`,
    ),
    ...stage.crew.log
      .filter(({ text }) => text.includes(hosting.id) && !text.includes('waking one'))
      .slice(-lastLines)
      .map(({ pid, text }) => `  ${pid} ${text.slice(0, 600)}`),
  ];
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}
