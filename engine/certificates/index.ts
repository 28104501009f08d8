/** HTTPS: which certificates are wanted, how they are obtained and renewed; users’ own domains. */
export { domains, type Domains } from './domains';
export { accountContext, keyContext } from './read-site';
export { certificatesRoom } from './room';
export { openProxy } from './open-proxy';
