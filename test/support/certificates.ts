/** Certificates made and renewed by hand. What speaks X.509 and ACME is loaded late, so the room's door may not load it. */
export { makeSelfSigned } from '../../engine/certificates/certificate';
export { keepCertificates } from '../../engine/certificates/obtain';
