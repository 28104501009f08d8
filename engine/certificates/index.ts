/** HTTPS: which certificates are wanted, how they are obtained and renewed; users’ own domains. */
export { domains, type Domains } from './domains';
export { reconcileCertificates } from './keep-certificates';
export { accountContext, keyContext, readSite } from './read-site';
