import { createCipheriv, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { secretBox } from '../../../../engine/base/secret-box';

const key = 'k'.repeat(32);
const box = secretBox(key);
const plain = Buffer.from('{"serial":3,"secret":"안녕"}');

describe('secretBox', () => {
  it('a secret box opens what it sealed, of any length, under any context', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096 }), fc.string(), (bytes, context) => {
        expect(box.open(box.seal(Buffer.from(bytes), context), context).equals(Buffer.from(bytes))).toBe(
          true,
        );
      }),
    );
  });

  it('a secret box opens what another one with the same key sealed', () => {
    expect(secretBox(key).open(box.seal(plain, 'a'), 'a')).toEqual(plain);
  });

  it('a secret box never seals the same way twice, and shows nothing of the text', () => {
    const [one, two] = [box.seal(plain, 'a'), box.seal(plain, 'a')];
    expect(one.equals(two)).toBe(false);
    expect(one.includes(Buffer.from('serial'))).toBe(false);
  });

  // version, nonce, tag and text: a flipped bit anywhere must be noticed
  it('a secret box refuses a seal of which any single byte was changed', () => {
    const sealed = box.seal(plain, 'a');
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(() => box.open(changed, 'a')).toThrow();
    }
  });

  it('a secret box refuses a seal that was truncated or lengthened', () => {
    const sealed = box.seal(plain, 'a');
    for (let length = 0; length < sealed.length; length++)
      expect(() => box.open(sealed.subarray(0, length), 'a')).toThrow();
    expect(() => box.open(Buffer.concat([sealed, Buffer.from([0])]), 'a')).toThrow();
  });

  it('a secret box refuses another context, so that two states cannot be swapped', () => {
    expect(() => box.open(box.seal(plain, 'terraform-state a'), 'terraform-state b')).toThrow();
  });

  it('a secret box refuses a seal of another key', () => {
    expect(() => secretBox('x'.repeat(32)).open(box.seal(plain, 'a'), 'a')).toThrow();
  });

  it('a secret box refuses a seal of an unknown version, and says so', () => {
    const sealed = box.seal(plain, 'a');
    sealed[0] = 3;
    expect(() => box.open(sealed, 'a')).toThrow('unknown version');
  });

  it('a secret box opens with old keys what they sealed, and seals with the newest', () => {
    const old = secretBox('o'.repeat(32));
    const both = secretBox(key, ['o'.repeat(32)]);
    const before = old.seal(plain, 'a');
    expect(both.open(before, 'a')).toEqual(plain);
    expect(both.isCurrent(before)).toBe(false);
    const after = both.seal(plain, 'a');
    expect(both.isCurrent(after)).toBe(true);
    expect(box.open(after, 'a')).toEqual(plain);
    expect(() => old.open(after, 'a')).toThrow('not known here');
  });

  it('a secret box opens seals from before they named their keys, with whichever key fits', () => {
    // made by the version before: 1, nonce, tag, text; key 32 times k, context a
    const derived = Buffer.from(hkdfSync('sha256', key, 'vm-webhoster', 'secret-box v1', 32));
    const nonce = Buffer.alloc(12, 7);
    const cipher = createCipheriv('aes-256-gcm', derived, nonce).setAAD(Buffer.from('a'));
    const body = Buffer.concat([cipher.update(plain), cipher.final()]);
    const unnamed = Buffer.concat([Buffer.from([1]), nonce, cipher.getAuthTag(), body]);
    expect(box.open(unnamed, 'a')).toEqual(plain);
    expect(secretBox('n'.repeat(32), [key]).open(unnamed, 'a')).toEqual(plain);
    expect(box.isCurrent(unnamed)).toBe(false);
    expect(() => box.open(unnamed, 'b')).toThrow();
    expect(() => secretBox('n'.repeat(32)).open(unnamed, 'a')).toThrow();
  });
});
