/** Forgets what is over by itself: sign-outs of tokens that have ended, windows of limits. */
import type { Log } from '../base/log';
import type { Database } from '../store/database';
import { deleteEndedLimits } from '../store/limits';
import { forgetEndedSessions } from '../store/sessions';
import { every, type Reconciler } from '../base/every';

const intervalMs = 3_600_000;

export function reconcileEndedSessions({
  database,
  log,
}: {
  readonly database: Database;
  readonly log: Log;
}): Reconciler {
  return every({ name: 'ended sessions', intervalMs, log }, async () => {
    await forgetEndedSessions(database.direct);
    await deleteEndedLimits(database.direct);
  });
}
