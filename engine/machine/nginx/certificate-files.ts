/** Certificates and keys where Nginx reads them: `tls/` in its directory, for its master alone. */
import { access, chmod, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { replaceFile } from '../../base/files';
import type { Route } from './proxy';
import type { ProxySettings } from './proxy-settings';
import { certificateFile, viewHosts } from './render-https';
import type { Site, SiteCertificate } from './site';

type Settings = Pick<ProxySettings, 'dir' | 'https' | 'baseDomain' | 'publicHost'>;

/** Those in use that have no file, or no key. */
export async function missingCertificates(
  settings: Settings,
  routes: readonly Route[],
  site: Site,
): Promise<SiteCertificate[]> {
  const missing: SiteCertificate[] = [];
  for (const certificate of used(settings, routes, site))
    for (const file of filesOf(settings, certificate))
      if (!(await isThere(file)) && !missing.includes(certificate)) missing.push(certificate);
  return missing;
}

export async function writeCertificates(
  settings: Settings,
  routes: readonly Route[],
  site: Site,
): Promise<void> {
  const missing = await missingCertificates(settings, routes, site);
  if (missing.length === 0) return;
  const dir = path.join(settings.dir, 'tls');
  await mkdir(dir, { recursive: true });
  await chmod(dir, 0o700);
  for (const certificate of missing) {
    const [chain, key] = filesOf(settings, certificate);
    await replaceFile(key, certificate.openKey());
    await replaceFile(chain, certificate.chain);
  }
}

/** Once they are served. What served before them is in memory, with those who still need it. */
export async function removeOtherCertificates(
  settings: Settings,
  routes: readonly Route[],
  site: Site,
): Promise<void> {
  const dir = path.join(settings.dir, 'tls');
  const kept = new Set(used(settings, routes, site).flatMap((each) => filesOf(settings, each)));
  for (const name of await readdir(dir).catch(() => []))
    if (!kept.has(path.join(dir, name))) await rm(path.join(dir, name), { force: true });
}

function used(settings: Settings, routes: readonly Route[], site: Site): SiteCertificate[] {
  const files = new Set(viewHosts(settings, routes, site).files);
  const all = site.fallback === null ? site.certificates : [...site.certificates, site.fallback];
  return all.filter((each) => files.has(certificateFile(each)));
}

function filesOf({ dir }: Settings, certificate: SiteCertificate): [chain: string, key: string] {
  const stem = path.join(dir, 'tls', certificateFile(certificate));
  return [`${stem}.crt`, `${stem}.key`];
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
