/** Gets certificates and renews them; one process at a time, whichever comes first. */
import { processName } from '../base/process-name';
import type { CertificateParts } from './obtain';
import { andThen, every, type Reconciler } from '../base/every';

const intervalMs = 10_000;

/** @returns stops looking; an order that is under way is given up */
export function reconcileCertificates(parts: CertificateParts): Reconciler | null {
  const { config, log } = parts;
  if (config.TLS_MODE === 'off') return null;
  const stop = new AbortController();
  const owner = processName();
  // what speaks ACME and X.509 takes a quarter of the time in which everything is loaded: who needs neither does not wait
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { keepCertificates } = require('./obtain') as typeof import('./obtain');
  const looking = every({ name: 'certificates', intervalMs, log }, () =>
    keepCertificates(parts, owner, stop.signal),
  );
  return andThen(looking, () => {
    stop.abort(new Error('the service stops'));
  });
}
