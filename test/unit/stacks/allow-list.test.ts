import fc from 'fast-check';
import { checkSpec } from '../../../stacks/allow-list/spec';
import { renderStack } from '../../../stacks/render';
import type { StackSpec } from '../../../stacks';
import { readSpec, specNames } from './support';

type Path = readonly (string | number)[];

const templates = [
  '${file("/etc/passwd")}',
  '%{ if true }x%{ endif }',
  '$${escaped}',
  '${TfToken[TOKEN.0]}',
  '#{TfToken[TOKEN.0]}',
  '&{TfToken[TOKEN.0]}',
];
const markup = ['"/><disk/>', "'", '<', '&amp;', '{', '}', ' ', '\n', '\0', 'é'];
const freeText = ['cloudInit.userData', 'cloudInit.metaData'];

function leaves(value: unknown, path: Path = []): { path: Path; value: unknown }[] {
  if (typeof value !== 'object' || value === null) return [{ path, value }];
  return Object.entries(value).flatMap(([key, each]) =>
    leaves(each, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

function withValue(spec: StackSpec, path: Path, value: unknown): StackSpec {
  const copy = structuredClone(spec);
  const parent = path
    .slice(0, -1)
    .reduce<Record<string, unknown>>(
      (at, key) => at[key] as Record<string, unknown>,
      copy as unknown as Record<string, unknown>,
    );
  parent[path.at(-1)!] = value;
  return copy;
}

function fieldOf(path: Path): string {
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key.toString()}]` : `${at ? '.' : ''}${key}`))
    .join('');
}

function refusal(spec: StackSpec): string {
  try {
    checkSpec(spec);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

describe.each(specNames)('the allow-list on %s', (name) => {
  const spec = readSpec(name);
  const strings = leaves(spec).filter(({ value }) => typeof value === 'string');
  const numbers = leaves(spec).filter(({ value }) => typeof value === 'number');

  it.each(strings.map(({ path }) => [fieldOf(path), path]))('refuses templates in %s', (field, path) => {
    for (const template of templates) {
      for (const value of [template, `x${template}`, `${template}\n`]) {
        expect(refusal(withValue(spec, path as Path, value))).toBe(
          `${field as string}: holds a template sequence`,
        );
      }
    }
  });

  it.each(
    strings
      .filter(({ path }) => !freeText.includes(fieldOf(path)))
      .map(({ path, value }) => [fieldOf(path), path, value]),
  )('refuses markup in %s', (field, path, value) => {
    const isCmdline = field === 'image.boot.cmdline';
    for (const hostile of markup.filter((each) => !(isCmdline && each === ' '))) {
      const reason = refusal(withValue(spec, path as Path, `${value as string}${hostile}`));
      expect(reason).toMatch(new RegExp(`^${(field as string).replaceAll(/[.[\]]/g, '\\$&')}: `));
      expect(reason).not.toContain('\n');
    }
  });

  it.each(leaves(spec).map(({ path }) => [fieldOf(path), path]))(
    'refuses another type in %s',
    (field, path) => {
      for (const value of [null, {}, [], true, ['x'], { toString: 'x' }]) {
        expect(refusal(withValue(spec, path as Path, value))).not.toBe('accepted');
        expect(refusal(withValue(spec, path as Path, value))).toContain(field);
      }
    },
  );

  it('refuses numbers out of range', () => {
    for (const { path } of numbers) {
      for (const value of [-1, 0.5, NaN, Infinity, -1.8881545897087626e289, 2 ** 53, '1']) {
        expect(refusal(withValue(spec, path, value))).toContain(`${fieldOf(path)}: `);
      }
    }
  });

  it('refuses unknown fields, also those that only look like properties', () => {
    for (const key of ['extra', '__proto__', 'constructor', 'toString']) {
      const hostile = JSON.parse(`{"${key}":{"a":1},${JSON.stringify(spec).slice(1)}`) as StackSpec;
      expect(refusal(hostile)).toBe(`"${key}": is not a known field`);
    }
  });

  it('refuses a missing field', () => {
    for (const key of Object.keys(spec).filter((each) => each !== 'limits')) {
      expect(refusal(withValue(spec, [key], undefined))).toContain(key);
    }
  });
});

describe('user data', () => {
  const spec = readSpec('hosting-direct-kernel');

  it('is refused or carried unchanged, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), (userData) => {
        const hostile = { ...spec, cloudInit: { ...spec.cloudInit, userData } };
        if (refusal(hostile) !== 'accepted') return;
        const rendered = JSON.parse(renderStack(hostile)) as { variable: { user_data: { default: string } } };
        expect(rendered.variable.user_data.default).toBe(userData);
      }),
      { numRuns: 300 },
    );
  });

  it.each(['\r', '\0', '\u001b[0m', '\ud800', '\u0085'])('with %j is refused', (character) => {
    const userData = `#cloud-config\n${character}\n`;
    expect(refusal({ ...spec, cloudInit: { ...spec.cloudInit, userData } })).toBe(
      'cloudInit.userData: is not plain text',
    );
  });

  it('of a megabyte is checked quickly', () => {
    const userData = 'a'.repeat(2 ** 20);
    expect(refusal({ ...spec, cloudInit: { ...spec.cloudInit, userData } })).toBe('accepted');
    const longer = { ...spec.cloudInit, userData: `${userData}a` };
    expect(refusal({ ...spec, cloudInit: longer })).toBe(
      'cloudInit.userData: is longer than 1048576 characters',
    );
  });
});

describe('paths', () => {
  const spec = readSpec('node-open');

  it.each(['relative', '/a/../b', '/a//b', '/a/./b', '/', '/a\n', ''])('refuses %j', (path) => {
    expect(refusal({ ...spec, pool: { ...spec.pool, path } })).toMatch(/^pool\.path: /);
  });
});

describe('the network of a node', () => {
  const spec = readSpec('node-open');
  const reserve = (ip: string, mac = '52:54:00:00:00:01') => ({ ip, mac });
  const refusalOf = (network: Partial<typeof spec.network>) =>
    refusal({ ...spec, network: { ...spec.network, ...network } });

  it.each(['10.90.0.0', '10.90.0.1', '10.90.3.255', '10.91.0.5', '10.89.255.255'])(
    'refuses a reservation of %s',
    (ip) => {
      expect(refusalOf({ reservations: [reserve(ip)] })).toBe(
        'network.reservations[0].ip: is not an address for a VM in the network',
      );
    },
  );

  it('takes the first and the last address', () => {
    const reservations = [reserve('10.90.0.2'), reserve('10.90.3.254', '52:54:00:00:00:02')];
    expect(refusalOf({ reservations })).toBe('accepted');
  });

  it('refuses an address or a MAC that is reserved twice', () => {
    const first = reserve('10.90.0.2');
    const sameIp = [first, reserve('10.90.0.2', '52:54:00:00:00:02')];
    expect(refusalOf({ reservations: sameIp })).toBe('network.reservations[1].ip: is reserved twice');
    const sameMac = [first, reserve('10.90.0.3')];
    expect(refusalOf({ reservations: sameMac })).toBe('network.reservations[1].mac: is reserved twice');
  });

  it.each([
    '10.90.0.0',
    '10.90.0.0/',
    '10.90.0.0/8',
    '10.90.0.0/30',
    '10.90.0.1/22',
    '10.90.0.0/22/1',
    '10.90.0.0/022',
  ])('refuses %s as a network', (cidr) => {
    expect(refusalOf({ cidr })).toMatch(/^network\.cidr: /);
  });

  it('refuses a multicast or upper-case MAC', () => {
    for (const mac of ['53:54:00:00:00:01', '52:54:00:00:00:AA', '52:54:00:00:00']) {
      expect(refusalOf({ reservations: [reserve('10.90.0.2', mac)] })).toContain(
        'network.reservations[0].mac',
      );
    }
  });

  it('refuses two images whose resources would have one name', () => {
    const image = (volumeName: string) => ({ volumeName, sourcePath: '/images/disk.qcow2' });
    const images = [image('a.b.qcow2'), image('a-b.qcow2')];
    expect(refusal({ ...spec, images })).toBe('images[1].volumeName: is too like an earlier one');
  });
});
