import fc from 'fast-check';
import { parseCidr, poolAddresses } from '../../../../engine/base/addresses';

function addresses(cidr: string): readonly { ip: string; mac: string }[] {
  const parsed = parseCidr(cidr);
  if (parsed === null) throw new Error(`${cidr} was refused`);
  return poolAddresses(parsed);
}

describe('parseCidr', () => {
  it.each([
    ['10.90.0.0/22', { base: 0x0a5a0000, prefix: 22 }],
    ['192.168.122.0/24', { base: 0xc0a87a00, prefix: 24 }],
    ['172.16.0.0/16', { base: 0xac100000, prefix: 16 }],
    ['10.0.0.248/29', { base: 0x0a0000f8, prefix: 29 }],
    ['255.255.255.248/29', { base: 0xfffffff8, prefix: 29 }],
  ])('parseCidr reads %s', (text, parsed) => {
    expect(parseCidr(text)).toEqual(parsed);
  });

  it.each([
    ['wider than a /16', '10.0.0.0/15'],
    ['narrower than a /29', '10.0.0.0/30'],
    ['bits beyond the prefix', '10.90.0.1/22'],
    ['bits beyond the prefix in the middle', '10.90.1.0/22'],
    ['an octet above 255', '10.256.0.0/16'],
    ['three octets', '10.90.0/22'],
    ['no prefix', '10.90.0.0'],
    ['leading zeros, which some read as octal', '010.90.0.0/22'],
    ['a sign', '10.90.0.-0/22'],
    ['white space', ' 10.90.0.0/22'],
    ['a newline at the end', '10.90.0.0/22\n'],
    ['IPv6', 'fd00::/16'],
    ['nothing', ''],
  ])('parseCidr refuses %s', (_, text) => {
    expect(parseCidr(text)).toBeNull();
  });
});

describe('poolAddresses', () => {
  it('a pool has every address but network, gateway and broadcast, in order', () => {
    expect(addresses('10.90.0.0/29').map(({ ip }) => ip)).toEqual([
      '10.90.0.2',
      '10.90.0.3',
      '10.90.0.4',
      '10.90.0.5',
      '10.90.0.6',
    ]);
  });

  it('a pool continues past the end of an octet', () => {
    const all = addresses('10.90.0.0/22').map(({ ip }) => ip);
    expect(all).toHaveLength(1021);
    expect(all.slice(252, 256)).toEqual(['10.90.0.254', '10.90.0.255', '10.90.1.0', '10.90.1.1']);
    expect(all.at(-1)).toBe('10.90.3.254');
  });

  it('every address of a /16 has a different MAC, unicast and in QEMU’s range', () => {
    const all = addresses('172.16.0.0/16');
    expect(all).toHaveLength(65_533);
    expect(new Set(all.map(({ mac }) => mac)).size).toBe(all.length);
    expect(all.every(({ mac }) => /^52:54:00(:[0-9a-f]{2}){3}$/.test(mac))).toBe(true);
  });

  it('a MAC is derived from its address alone, whatever the network around it', () => {
    const network = fc
      .tuple(fc.integer({ min: 16, max: 29 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
      .map(([prefix, number]) => ({ prefix, base: number - (number % 2 ** (32 - prefix)) }));
    fc.assert(
      fc.property(network, ({ base, prefix }) => {
        const [first] = poolAddresses({ base, prefix });
        const narrowest = poolAddresses({ base, prefix: 29 });
        expect(first).toEqual(narrowest[0]);
        const octets = first!.ip.split('.').map(Number);
        expect(
          first!.mac
            .split(':')
            .slice(3)
            .map((hex) => parseInt(hex, 16)),
        ).toEqual(octets.slice(1));
      }),
      { numRuns: 50 },
    );
  });
});

it('the addresses of a network are computed once, and again for another network', () => {
  const network = { base: 0x0a5a0000, prefix: 29 };
  const first = poolAddresses(network);
  expect(poolAddresses({ ...network })).toBe(first);
  expect(poolAddresses({ ...network, prefix: 28 })).toHaveLength(13);
  expect(poolAddresses({ ...network, base: network.base + 8 })[0]?.ip).toBe('10.90.0.10');
  expect(poolAddresses(network)).toEqual(first);
});
