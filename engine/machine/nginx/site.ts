/** What Nginx serves beside the routes: domains that users bring, and certificates. */

export interface SiteCertificate {
  /** Host names; a wildcard as `*.example.org`. */
  readonly names: readonly string[];
  /** PEM, the host's certificate first. */
  readonly chain: string;
  /** PEM. A secret, which is opened only when its file must be written. */
  readonly openKey: () => string;
}

export interface Site {
  /** Domains that users brought, and the VM of each. */
  readonly domains: readonly { readonly name: string; readonly ip: string }[];
  /** SSH ports of machines that wait for their owners: who calls there is let in once the machine is somebody's. */
  readonly waitingPorts: readonly number[];
  /** For whom no other certificate is there; null before there is one, and nothing is encrypted then. */
  readonly fallback: SiteCertificate | null;
  readonly certificates: readonly SiteCertificate[];
  /** Of the ACME account whose challenges Nginx answers (RFC 7638); null when there is none. */
  readonly challengeThumbprint: string | null;
}

export const plainSite: Site = {
  domains: [],
  waitingPorts: [],
  fallback: null,
  certificates: [],
  challengeThumbprint: null,
};
