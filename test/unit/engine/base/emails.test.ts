import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { emailKey, emailKeysOf, keysOfOlder } from '../../../../engine/base/emails';
import { networkOf } from '../../../../engine/accounts';
import { readHostName } from '../../../../engine/base/typed-names';

describe('an e-mail address', () => {
  it.each([
    'mina@example.com',
    ' MINA@Example.COM\n',
    'mina@example.com.',
    'mina@ｅｘａｍｐｌｅ.com',
    'Mina@EXAMPLE.COM.',
  ])('has one form, however it is typed: %j', (typed) => expect(emailKey(typed)).toBe('mina@example.com'));

  it.each([
    ['composed and not', 'a@caf\u00e9.example.org', 'a@cafe\u0301.example.org'],
    ['in Unicode and in Punycode', 'a@예시.한국', 'a@xn--vv4b11d.xn--3e0b707e'],
    ['with the Kelvin sign', 'a@\u212aim.org', 'a@kim.org'],
  ])('has one form of its domain: %s', (_what, one, other) => {
    expect(emailKey(one)).toBe(emailKey(other));
    expect(emailKey(one)).toMatch(/^[ -~]+$/);
  });

  it.each([
    'secİii@example.com',
    'seciİi@example.com',
    'secııi@example.com',
    '\u212aim@example.com',
    'ｍｉｎａ@example.com',
    'mi\u0301na@example.com',
    'mina\u200b@example.com',
    'ﬁ@example.com',
    'ſam@example.com',
    'mina\0@example.com',
    'mina@e\u00adxample.com',
    'mina',
  ])('with letters that fold in several ways has none: %j', (typed) => expect(emailKey(typed)).toBeNull());

  it('of a form has that form', () => {
    for (const typed of ['Mina+x@예시.한국', "O'Neil@EXAMPLE.ie.", 'a&b@example.com'])
      expect(emailKey(emailKey(typed) ?? '')).toBe(emailKey(typed));
  });

  it('is looked for as it was typed, and in its form', () => {
    expect(emailKeysOf(' Mina@example.com ')).toEqual(['Mina@example.com', 'mina@example.com']);
    expect(emailKeysOf('secİii@example.com')).toEqual(['secİii@example.com']);
    expect(emailKeysOf('a\0b@example.com')).toEqual([]);
  });
});

it('gives each older account a form of its own: the first of two that collide gets it, the others keep their text', () => {
  const keys = keysOfOlder([
    { id: 1, email: 'mina@EXAMPLE.com.' },
    { id: 2, email: 'mina@example.com' },
    { id: 3, email: 'Juno@Example.com' },
    { id: 4, email: 'juno@example.com.' },
    { id: 5, email: 'mİna@example.com' },
    { id: 6, email: 'deleted.6' },
  ]);
  expect([...keys].sort(([a], [b]) => a - b)).toEqual([
    [1, 'mina@EXAMPLE.com.'],
    [2, 'mina@example.com'],
    [3, 'juno@example.com'],
    [4, 'juno@example.com.'],
    [5, 'mİna@example.com'],
    [6, 'deleted.6'],
  ]);
  expect(new Set(keys.values()).size).toBe(6);
});

it.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::FFFF:cb00:7107', '203.0.113.7'],
  ['2001:db8:0:1::5', '2001:db8:0:1::/64'],
  ['2001:DB8::1:0:0:0:5%eth0', '2001:db8:0:1::/64'],
  ['2001:0db8:0000:0001:ffff::', '2001:db8:0:1::/64'],
  ['::1', '0:0:0:0::/64'],
  ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
])('counts the address %s as %s', (address, network) => expect(networkOf(address)).toBe(network));

it.each(['EXAMPLE.org', 'example.org.', 'https://example.org/', 'ｅｘａｍｐｌｅ.org'])(
  'reads the host name %s as one',
  (typed) => expect(readHostName(typed)).toBe('example.org'),
);

describe('the source', () => {
  const root = path.join(__dirname, '../../../..');
  const sources = ['api', 'cli', 'engine', 'stacks'].flatMap((dir) =>
    readdirSync(path.join(root, dir), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes('migrations/'))
      .map((file) => path.join(dir, file)),
  );
  const withWords = (words: RegExp): string[] =>
    sources.filter((file) => words.test(readFileSync(path.join(root, file), 'utf8')));

  it('never has PostgreSQL fold case: it would fold it in its own way', () => {
    expect(sources.length).toBeGreaterThan(300);
    expect(withWords(/\b(lower|upper|initcap)\s*\(|\bILIKE\b|\bcitext\b|~\*/)).toEqual([]);
  });

  it('folds what is stored and looked up by one function, and by toLowerCase what is neither', () => {
    expect(withWords(/\.to(Locale)?(Lower|Upper)Case\(\)/).sort()).toEqual([
      'api/mount-routes.ts', // methods of the route table
      'api/prefer.ts', // names of preferences in a header
      'api/snake-case.ts', // keys of ours
      'cli/age.ts', // units of time
      'engine/base/log.ts', // names of fields
      'engine/base/typed-names.ts', // the function itself
      'engine/base/weak-secrets.ts', // a list of ours
      'engine/machine/nginx/render-https.ts', // a setting, of ASCII
      'engine/machine/nginx/render.ts', // the same
    ]);
  });
});
