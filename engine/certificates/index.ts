/** HTTPS: which certificates are wanted, how they are obtained and renewed; users’ own domains. */
export { makeSelfSigned } from './certificate';
export { domains, type Domains } from './domains';
export { keepCertificates } from './obtain';
export { accountContext, keyContext } from './read-site';
export { certificatesRoom } from './room';
export { openProxy } from './open-proxy';
