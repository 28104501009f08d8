/**
 * An ACME authority (RFC 8555), by acme-client. HTTP-01 needs nothing done here: Nginx answers every token of the
 * account by itself. DNS-01, which wildcards need, is done by a program of the operator's.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import * as acme from 'acme-client';
import type { Clock } from '../base/clock';
import { expectCommand } from '../base/process';
import type { KeyPair } from './certificate';
import { readRenewalInfo, type RenewalWindow } from './renewal';

export interface AuthorityOptions {
  readonly directoryUrl: string;
  /** PEM. A secret. */
  readonly accountKey: string;
  readonly email: string | null;
  readonly externalAccount: { readonly kid: string; readonly hmacKey: string } | null;
  /** PEM file of whom the authority's own certificate is signed by; null trusts whom Node trusts. */
  readonly caFile: string | null;
  /** Program that is called with `present` or `cleanup`, the name of the TXT record, and its value. */
  readonly dnsHook: string | null;
  readonly clock: Clock;
}

export interface CertificateOrder {
  readonly names: readonly string[];
  /** What the certificate that this one replaces is known by; null for a first one. */
  readonly replaces: string | null;
  readonly signal: AbortSignal;
}

export interface Authority {
  /** @throws {Error} with the authority's own words, when it refuses or does not answer */
  issue(order: CertificateOrder): Promise<KeyPair>;
  /** null when the authority tells nothing of renewals. @throws {Error} when it does not answer */
  renewalWindow(renewalId: string): Promise<RenewalWindow | null>;
}

const requestTimeoutMs = 30_000;
const hookTimeoutMs = 300_000;

export function newAccountKey(): Promise<string> {
  return acme.crypto.createPrivateEcdsaKey().then(String);
}

/** What Nginx appends to a token to answer a challenge (RFC 7638). */
export function accountThumbprint(accountKey: string): string {
  const { crv, kty, x, y } = acme.crypto.getJwk(accountKey) as acme.EcdsaPublicJwk;
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

export function acmeAuthority(options: AuthorityOptions): Authority {
  const { directoryUrl, accountKey, email, externalAccount, caFile } = options;
  const httpsAgent = new Agent(caFile === null ? {} : { ca: readFileSync(caFile) });
  Object.assign(acme.axios.defaults, { httpsAgent, timeout: requestTimeoutMs });
  // our own backoff is longer and knows of all that fails
  Object.assign((acme.axios.defaults as unknown as { acmeSettings: object }).acmeSettings, {
    retryMaxAttempts: 1,
    retryDefaultDelay: 1,
  });
  const client = new acme.Client({
    directoryUrl,
    accountKey,
    backoffAttempts: 20,
    backoffMin: 500,
    backoffMax: 10_000,
    ...(externalAccount === null ? {} : { externalAccountBinding: externalAccount }),
  });
  // Asked for first: what the client sends for an account that it finds to exist is an update, which may be refused.
  const signUp = (): Promise<unknown> =>
    client.createAccount({ onlyReturnExisting: true }).catch(() =>
      client.createAccount({
        termsOfServiceAgreed: true,
        ...(email === null ? {} : { contact: [`mailto:${email}`] }),
      }),
    );
  let account: Promise<unknown> | null = null;
  return {
    issue: async ({ names, replaces, signal }) => {
      account ??= signUp();
      await account.catch((thrown: unknown) => {
        account = null;
        throw thrown;
      });
      const order = await newOrder(client, names, replaces);
      for (const authorization of await client.getAuthorizations(order)) {
        signal.throwIfAborted();
        if (authorization.status !== 'valid') await prove(client, authorization, options);
      }
      signal.throwIfAborted();
      const [key, request] = await acme.crypto.createCsr(
        { altNames: [...names] },
        await acme.crypto.createPrivateEcdsaKey(),
      );
      const chain = await client.getCertificate(await client.finalizeOrder(order, request));
      return { chain, key: String(key) };
    },
    renewalWindow: async (renewalId) => {
      const directory = await fetchJson(directoryUrl, httpsAgent);
      const { renewalInfo } = directory.body as { renewalInfo?: string };
      if (renewalInfo === undefined) return null;
      const { body, retryAfter } = await fetchJson(`${renewalInfo}/${renewalId}`, httpsAgent);
      return readRenewalInfo(body, retryAfter, options.clock.now());
    },
  };
}

async function newOrder(
  client: acme.Client,
  names: readonly string[],
  replaces: string | null,
): Promise<acme.Order> {
  const identifiers = names.map((value) => ({ type: 'dns', value }));
  if (replaces !== null) {
    try {
      return await client.createOrder({ identifiers, replaces } as never);
    } catch {
      // one that it does not know, or that was replaced already; it can be ordered all the same
    }
  }
  return client.createOrder({ identifiers });
}

async function prove(
  client: acme.Client,
  authorization: acme.Authorization,
  { dnsHook }: AuthorityOptions,
): Promise<void> {
  const { value: host } = authorization.identifier;
  const find = (type: string) => authorization.challenges.find((each) => each.type === type);
  const challenge = authorization.wildcard ? find('dns-01') : (find('http-01') ?? find('dns-01'));
  if (challenge === undefined)
    throw new Error(`the authority offers no challenge for ${host} that can be met here`);
  const complete = async (): Promise<void> => {
    await client.completeChallenge(challenge);
    await client.waitForValidStatus(challenge);
  };
  if (challenge.type === 'http-01') return complete();
  if (dnsHook === null) throw new Error(`a wildcard for ${host} needs ACME_DNS_HOOK`);
  const record = [`_acme-challenge.${host}`, await client.getChallengeKeyAuthorization(challenge)];
  const hook = (verb: string): Promise<unknown> =>
    expectCommand([dnsHook, verb, ...record], { timeoutMs: hookTimeoutMs });
  await hook('present');
  try {
    await complete();
  } finally {
    await hook('cleanup').catch(() => undefined);
  }
}

function fetchJson(url: string, agent: Agent): Promise<{ body: unknown; retryAfter: string | null }> {
  return new Promise((resolve, reject) => {
    // an authority may refuse whoever does not say what they are
    const headers = { 'user-agent': 'vm-webhoster' };
    const request = get(url, { agent, headers, timeout: requestTimeoutMs }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > 100_000) request.destroy(new Error('the authority says too much'));
      });
      response.on('end', () => {
        if (response.statusCode !== 200)
          return reject(new Error(`the authority answers ${response.statusCode}`));
        try {
          resolve({ body: JSON.parse(text), retryAfter: response.headers['retry-after'] ?? null });
        } catch (cause) {
          reject(new Error('the authority does not answer in JSON', { cause }));
        }
      });
    });
    request.on('timeout', () => request.destroy(new Error('the authority does not answer')));
    request.on('error', reject);
  });
}
