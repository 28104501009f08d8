import { keyFingerprints } from '../../../../engine/backup/fingerprint';
import { inOrder } from '../../../../engine/store/catalog';

describe('fingerprints of keys', () => {
  const keys = { STATE_KEY: 's'.repeat(48), JWT_SECRET: 'j'.repeat(48) };

  it('fingerprints are the same for the same keys, and differ for others', () => {
    const found = keyFingerprints(keys);
    expect(keyFingerprints({ ...keys })).toEqual(found);
    const other = keyFingerprints({ ...keys, STATE_KEY: 't'.repeat(48) });
    expect(other.STATE_KEY).not.toBe(found.STATE_KEY);
    expect(other.JWT_SECRET).toBe(found.JWT_SECRET);
  });

  it('fingerprints are short, and do not reveal that two keys are equal', () => {
    const { STATE_KEY, JWT_SECRET } = keyFingerprints({
      STATE_KEY: 'k'.repeat(48),
      JWT_SECRET: 'k'.repeat(48),
    });
    expect(STATE_KEY).toMatch(/^[0-9a-f]{16}$/);
    expect(JWT_SECRET).not.toBe(STATE_KEY);
  });
});

describe('the order of tables', () => {
  const tables = (...names: string[]) => names.map((name) => ({ name, columns: [] }));

  it('each table comes after those it refers to', () => {
    const references = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'a', to: 'c' },
      // to a table of somebody else's schema
      { from: 'c', to: 'elsewhere' },
    ];
    const ordered = inOrder(tables('a', 'b', 'c', 'd'), references).map(({ name }) => name);
    expect(ordered).toEqual(['c', 'd', 'b', 'a']);
  });

  it('a cycle of tables is refused by name', () => {
    const circle = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'a' },
    ];
    expect(() => inOrder(tables('a', 'b', 'c'), circle)).toThrow('tables that refer to each other: a, b');
  });
});
