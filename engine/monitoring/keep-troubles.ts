/** Sees to it that owners are told how their hostings are, and the log how the node is. What mends it is asked for. */
import type { Parts } from '../durable';
import { findNode } from '../store/stacks';
import { lookForTroubles } from './troubles';
import { every, type Reconciler } from '../base/every';

const intervalMs = 10_000;

export function reconcileTroubles(
  parts: Pick<Parts, 'config' | 'database' | 'guest' | 'inventory' | 'log' | 'nodeCare'>,
): Reconciler {
  const { config, database, log } = parts;
  let last = '';
  let told = '';
  return every({ name: 'troubles', intervalMs, log }, async () => {
    if (!(await findNode(database.direct, config.NODE_NAME))?.prepared) return;
    const look = await lookForTroubles(parts, last);
    last = look.last;
    const news = look.findings.map(({ kind, subject }) => `${kind} ${subject}`).join(', ');
    if (news === '' && told !== '') log.info({}, 'node and VMs are in order again');
    else if (news !== told)
      log.warn({ found: news }, 'not all is in order; `webhoster doctor` says what to do');
    told = news;
    return news || undefined;
  });
}
