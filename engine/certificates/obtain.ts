/**
 * Gets the certificates that are wanted and renews them in time. One process at a time does so, under a lease whose
 * token every write checks. What cannot be renewed keeps the certificate it has, is told, and is tried again later.
 */
import { readFile } from 'node:fs/promises';
import { EngineError, toEngineError } from '../base/errors';
import { keepLease, leaseTtlMs, type Parts } from '../durable';
import {
  allCertificates,
  type CertificateRow,
  deleteCertificates,
  findAcmeAccount,
  planRenewal,
  recordCertificateFailure,
  saveAcmeAccount,
  saveCertificate,
} from '../store/certificates';
import { claimLease, fenced, type Lease, releaseLease } from '../store/leases';
import { accountThumbprint, acmeAuthority, type Authority, newAccountKey } from './authority';
import { belongTogether, type KeyPair, makeSelfSigned, readCertificate } from './certificate';
import { accountContext, keyContext, usable } from './read-site';
import { atTwoThirds, backoffMs, momentIn } from './renewal';
import { type WantedCertificate, wantedCertificates } from './wanted';

/** The lease of all certificates together; no stack has this id. */
export const certificatesLease = '00000000-0000-4000-8000-00000000ce27';
/** Browsers refuse a certificate of more than 825 days even when its signer is trusted. */
const selfSignedDays = 397;
const orderTimeoutMs = 300_000;
/** Files that do not fit together may the next minute. */
const ownPauseMs = 60_000;

/** What getting certificates takes. */
export type CertificateParts = Pick<
  Parts,
  'clock' | 'config' | 'database' | 'log' | 'measures' | 'routePublisher' | 'secretBox'
>;

interface Look {
  readonly parts: CertificateParts;
  readonly lease: Lease;
  readonly authority: () => Promise<Authority>;
  readonly stop: AbortSignal;
}

/**
 * Does what is due. Returns at once when another process is at it.
 *
 * @param owner  name of this process, unique among all
 */
export async function keepCertificates(
  parts: CertificateParts,
  owner: string,
  stop: AbortSignal,
): Promise<void> {
  const { database } = parts;
  if ((await whatIsDue(parts)).length === 0) return;
  const lease = await claimLease(database.direct, certificatesLease, owner, leaseTtlMs);
  if (lease === null) return;
  const lost = new AbortController();
  const keeper = keepLease(parts, lease, (reason) => lost.abort(reason));
  let authority: Promise<Authority> | undefined;
  const look: Look = {
    parts,
    lease,
    authority: () => (authority ??= openAuthority(parts, lease)),
    stop: AbortSignal.any([stop, lost.signal]),
  };
  try {
    // again: somebody else may have been at it until a moment ago
    for (const each of await whatIsDue(parts)) {
      if (look.stop.aborted) break;
      if (each.why === 'order') {
        if (await obtain(look, each.wanted, each.row)) await parts.routePublisher.publish();
      } else if (each.why === 'ask') await ask(look, each.row);
      else await fenced(database, lease, (tx) => deleteCertificates(tx, [each.row.name]));
    }
  } finally {
    keeper.release();
    await releaseLease(database.direct, lease);
  }
}

type Due =
  | { readonly why: 'order'; readonly wanted: WantedCertificate; readonly row: CertificateRow | null }
  | { readonly why: 'ask' | 'gone'; readonly row: CertificateRow };

async function whatIsDue(parts: Pick<Parts, 'clock' | 'config' | 'database' | 'secretBox'>): Promise<Due[]> {
  const { config, database, clock } = parts;
  const now = clock.now();
  const rows = await allCertificates(database.direct);
  const wanted = await wantedCertificates(config, database.direct);
  const due: Due[] = [];
  for (const each of wanted) {
    const row = rows.find(({ name }) => name === each.name) ?? null;
    if (row?.nextTryAt && row.nextTryAt > now) continue;
    if (await mustOrder(parts, each, row)) due.push({ why: 'order', wanted: each, row });
    else if (row !== null && each.source === 'acme' && (row.askAgainAt === null || row.askAgainAt <= now))
      due.push({ why: 'ask', row });
  }
  const others = rows.filter((row) => row.source === 'acme' && !wanted.some(({ name }) => name === row.name));
  for (const row of config.TLS_MODE === 'acme' ? others : [])
    // a user's host name is theirs, and its certificate serves their next hosting; authorities count what they issue
    if (!row.name.endsWith(`.${config.BASE_DOMAIN}`) || row.notAfter === null || row.notAfter < now)
      due.push({ why: 'gone', row });
  return due;
}

async function mustOrder(
  { config, secretBox, clock }: Pick<Parts, 'clock' | 'config' | 'secretBox'>,
  wanted: WantedCertificate,
  row: CertificateRow | null,
): Promise<boolean> {
  if (row === null || !usable(row, secretBox) || !fits(wanted, row)) return true;
  if (wanted.source !== 'files') return row.renewAt !== null && row.renewAt <= clock.now();
  const chain = await readFile(config.TLS_CERT_FILE ?? '', 'utf8').catch(() => null);
  return chain !== row.chain;
}

function fits(wanted: WantedCertificate, { names, source }: CertificateRow): boolean {
  if (source !== wanted.source) return false;
  return source === 'files' || [...names].sort().join() === [...wanted.names].sort().join();
}

/**
 * Gets a certificate. The one before serves until there is a new one, and when there is none.
 *
 * @returns whether there is a new one
 */
async function obtain(
  look: Look,
  wanted: WantedCertificate,
  before: CertificateRow | null,
): Promise<boolean> {
  const { parts, lease } = look;
  const { log, database, secretBox, clock, measures } = parts;
  const { name, source } = wanted;
  const begun = performance.now();
  try {
    const { chain, key } = await pairOf(look, wanted, before);
    const facts = readCertificate(chain);
    const keySealed = secretBox.seal(Buffer.from(key), keyContext(name));
    const names = source === 'files' ? facts.names : wanted.names;
    const renewAt = source === 'files' ? null : atTwoThirds(facts);
    const row = {
      name,
      source,
      names,
      chain,
      keySealed,
      renewAt,
      askAgainAt: null,
      notAfter: facts.notAfter,
    };
    await fenced(database, lease, (tx) => saveCertificate(tx, row));
    measures.observe('certificate_orders', { source, outcome: 'issued' }, (performance.now() - begun) / 1000);
    log.info({ certificate: name, source, notAfter: facts.notAfter }, 'certificate is new');
    return true;
  } catch (thrown) {
    if (look.stop.aborted || (thrown instanceof EngineError && thrown.code === 'lease_lost')) throw thrown;
    measures.observe('certificate_orders', { source, outcome: 'failed' }, (performance.now() - begun) / 1000);
    const failures = (before?.failures ?? 0) + 1;
    const pauseMs = source === 'acme' ? backoffMs(failures) : ownPauseMs;
    const nextTryAt = new Date(clock.now().getTime() + pauseMs);
    log.error(
      {
        err: toEngineError(thrown),
        certificate: name,
        failures,
        nextTryAt,
        notAfter: before?.notAfter ?? null,
      },
      'certificate cannot be had; the one before stays',
    );
    const failure = (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 1000);
    await fenced(database, lease, (tx) => recordCertificateFailure(tx, wanted, { failure, nextTryAt }));
    return false;
  }
}

async function pairOf(
  { parts, authority, stop }: Look,
  wanted: WantedCertificate,
  before: CertificateRow | null,
): Promise<KeyPair> {
  const { config, clock } = parts;
  if (wanted.source === 'self-signed') return makeSelfSigned(wanted.names, selfSignedDays, clock.now());
  if (wanted.source === 'files') return pairFromFiles(config);
  const signal = AbortSignal.any([stop, AbortSignal.timeout(orderTimeoutMs)]);
  const replaces = before?.chain ? readCertificate(before.chain).renewalId : null;
  const order = (await authority()).issue({ names: wanted.names, replaces, signal });
  // the client's own requests know no signal
  const cut = new Promise<never>((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
  order.catch(() => undefined);
  return Promise.race([order, cut]);
}

async function pairFromFiles({ TLS_CERT_FILE = '', TLS_KEY_FILE = '' }: Parts['config']): Promise<KeyPair> {
  const [chain, key] = await Promise.all([readFile(TLS_CERT_FILE, 'utf8'), readFile(TLS_KEY_FILE, 'utf8')]);
  // both are replaced one after the other; the next look finds them together
  if (!belongTogether({ chain, key })) throw new Error('TLS_KEY_FILE is not the key of TLS_CERT_FILE');
  return { chain, key };
}

/** Asks the authority when it wants to be asked for the next one (ARI); its silence changes nothing. */
async function ask({ parts, lease, authority }: Look, row: CertificateRow): Promise<void> {
  const { clock, database, log } = parts;
  const id = readCertificate(row.chain ?? '').renewalId;
  const later = { renewAt: null, askAgainAt: new Date(clock.now().getTime() + 6 * 3_600_000) };
  const plan = await (async () => {
    const window = id === null ? null : await (await authority()).renewalWindow(id);
    return window === null
      ? later
      : { renewAt: momentIn(window, Math.random()), askAgainAt: window.askAgainAt };
  })().catch((err: unknown) => {
    log.warn({ err: toEngineError(err), certificate: row.name }, 'authority tells nothing of renewal');
    return later;
  });
  await fenced(database, lease, (tx) => planRenewal(tx, row.name, plan));
}

async function openAuthority(
  {
    config,
    clock,
    database,
    secretBox,
    routePublisher,
  }: Pick<Parts, 'clock' | 'config' | 'database' | 'routePublisher' | 'secretBox'>,
  lease: Lease,
): Promise<Authority> {
  const directoryUrl = config.ACME_DIRECTORY_URL;
  const context = accountContext(directoryUrl);
  const known = await findAcmeAccount(database.direct, directoryUrl);
  const open = (sealed: Buffer): string | null => {
    try {
      return secretBox.open(sealed, context).toString();
    } catch {
      // sealed with another STATE_KEY: an account costs nothing
      return null;
    }
  };
  let accountKey = known === null ? null : open(known.keySealed);
  if (accountKey === null) {
    accountKey = await newAccountKey();
    const account = {
      keySealed: secretBox.seal(Buffer.from(accountKey), context),
      thumbprint: accountThumbprint(accountKey),
    };
    await fenced(database, lease, (tx) => saveAcmeAccount(tx, directoryUrl, account));
  }
  // Nginx must know the account before the authority asks
  await routePublisher.publish();
  const { ACME_EMAIL, ACME_EAB_KID, ACME_EAB_HMAC_KEY, ACME_CA_FILE, ACME_DNS_HOOK } = config;
  return acmeAuthority({
    directoryUrl,
    accountKey,
    email: ACME_EMAIL ?? null,
    externalAccount:
      ACME_EAB_KID === undefined || ACME_EAB_HMAC_KEY === undefined
        ? null
        : { kid: ACME_EAB_KID, hmacKey: ACME_EAB_HMAC_KEY },
    caFile: ACME_CA_FILE ?? null,
    dnsHook: ACME_DNS_HOOK ?? null,
    clock,
  });
}
