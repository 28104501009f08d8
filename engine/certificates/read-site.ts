/** What Nginx is to serve beside the routes, read from the database. */
import type { Config } from '../base/config';
import type { SecretBox } from '../base/secret-box';
import { allCertificates, type CertificateRow, findAcmeAccount } from '../store/certificates';
import type { Tx } from '../store/database';
import { servedDomains } from '../store/domains';
import { plainSite, type Site, type SiteCertificate } from '../machine/nginx/site';
import { waitingPorts } from '../store/spares';
import { selfSigned } from './wanted';

/** What keys are sealed under: of a certificate, and of the account that they are ordered with. */
export const keyContext = (name: string): string => `certificate key ${name}`;
export const accountContext = (directoryUrl: string): string => `ACME account ${directoryUrl}`;

export async function readSite(config: Config, secretBox: SecretBox, tx: Tx): Promise<Site> {
  const { TLS_MODE, ACME_DIRECTORY_URL } = config;
  const plain = { ...plainSite, domains: await servedDomains(tx), waitingPorts: await waitingPorts(tx) };
  if (TLS_MODE === 'off') return plain;
  const rows = (await allCertificates(tx)).filter((row) => usable(row, secretBox));
  const account = TLS_MODE === 'acme' ? await findAcmeAccount(tx, ACME_DIRECTORY_URL) : null;
  const certificate = ({ name, names, chain, keySealed }: CertificateRow): SiteCertificate => ({
    names,
    chain: chain ?? '',
    openKey: () => secretBox.open(keySealed ?? Buffer.alloc(0), keyContext(name)).toString(),
  });
  const fallback = rows.find(({ name }) => name === selfSigned);
  return {
    ...plain,
    fallback: fallback === undefined ? null : certificate(fallback),
    certificates: rows.filter(({ source }) => source === TLS_MODE).map(certificate),
    challengeThumbprint: account?.thumbprint ?? null,
  };
}

/** A key that was sealed with another STATE_KEY cannot be served; it is as good as none. */
export function usable({ name, chain, keySealed }: CertificateRow, secretBox: SecretBox): boolean {
  if (chain === null || keySealed === null) return false;
  try {
    secretBox.open(keySealed, keyContext(name));
    return true;
  } catch {
    return false;
  }
}
