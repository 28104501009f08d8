/**
 * Whether somebody can prove that a domain is theirs: by a TXT record, or by a file on the site that is there now.
 * That the domain leads to this machine proves nothing: every user's does.
 */
import { Resolver } from 'node:dns/promises';
import http from 'node:http';
import { BlockList, isIP } from 'node:net';

export interface DomainProof {
  /** Never throws: what cannot be asked is not proved. */
  isProved(domain: string, token: string): Promise<boolean>;
}

export const txtName = (domain: string): string => `_vm-webhoster.${domain}`;
export const filePath = (token: string): string => `/.well-known/vm-webhoster/${token}`;

export interface ProofOptions {
  /** `address` or `address:port` each; empty asks the machine's own. */
  readonly dnsServers: readonly string[];
  /** @default 80 */
  readonly httpPort?: number;
  /** @default asks the name servers */
  readonly addressesOf?: (domain: string) => Promise<readonly string[]>;
  /** Whether a file may be fetched from there. @default isPublicAddress */
  readonly mayAsk?: (address: string) => boolean;
}

const timeoutMs = 5_000;
const maxBytes = 4_096;

export function domainProof({
  dnsServers,
  httpPort = 80,
  mayAsk = isPublicAddress,
  ...options
}: ProofOptions): DomainProof {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  if (dnsServers.length > 0) resolver.setServers(dnsServers);
  const lookUp = async (domain: string): Promise<string[]> => {
    const none = (): string[] => [];
    const [four, six] = [resolver.resolve4(domain).catch(none), resolver.resolve6(domain).catch(none)];
    return [...(await four), ...(await six)];
  };
  const { addressesOf = lookUp } = options;
  const byRecord = async (domain: string, token: string): Promise<boolean> => {
    const records = await resolver.resolveTxt(txtName(domain)).catch(() => []);
    return records.some((parts) => parts.join('').trim() === token);
  };
  const byFile = async (domain: string, token: string): Promise<boolean> => {
    const addresses = await addressesOf(domain);
    // the very address that was looked at is asked: a second look might find another one
    const address = addresses.find(mayAsk);
    if (address === undefined) return false;
    const said = await fetchFile(address, httpPort, domain, filePath(token)).catch(() => '');
    return said.trim() === token;
  };
  return { isProved: async (domain, token) => (await byRecord(domain, token)) || byFile(domain, token) };
}

/** Follows nothing, and reads no more than a token needs. */
function fetchFile(address: string, port: number, domain: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: address, port, path, agent: false, headers: { host: domain } };
    const request = http.get({ ...options, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      let text = '';
      if (response.statusCode !== 200) {
        request.destroy(new Error(`status ${response.statusCode ?? 'unknown'}`));
        return;
      }
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > maxBytes) request.destroy();
      });
      response.on('end', () => {
        if (text.length > maxBytes) reject(new Error('too long'));
        else resolve(text);
      });
      response.on('close', () => reject(new Error('cut off')));
    });
    request.on('error', reject);
  });
}

/** Special-purpose addresses (RFC 6890 and its successors): behind them are this machine, its VMs and its network. */
const special = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(network, prefix, 'ipv4');
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  special.addSubnet(network, prefix, 'ipv6');

export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, 'ipv4');
  return family === 6 && globalUnicast.check(address, 'ipv6') && !special.check(address, 'ipv6');
}
