import { hashPassword, passwordMatches } from '../../../../engine/accounts/passwords';

const cost = 4;

describe('passwords', () => {
  it('a hash matches the password it was made from and no other', async () => {
    const hash = await hashPassword('correct horse', cost);
    expect(await passwordMatches('correct horse', hash)).toBe(true);
    expect(await passwordMatches('correct horsf', hash)).toBe(false);
    expect(await passwordMatches('', hash)).toBe(false);
  });

  it('a password is hashed with the given cost, and never to the same hash twice', async () => {
    const [one, two] = [await hashPassword('a password', cost), await hashPassword('a password', cost)];
    expect(one).toMatch(/^\$2b\$04\$/);
    expect(one).not.toBe(two);
  });

  it('tells passwords apart that differ only after byte 72', async () => {
    const hash = await hashPassword('x'.repeat(72) + 'a', cost);
    expect(await passwordMatches('x'.repeat(72) + 'b', hash)).toBe(false);
    expect(await passwordMatches('x'.repeat(72), hash)).toBe(false);
    expect(await passwordMatches('x'.repeat(72) + 'a', hash)).toBe(true);
  });

  it('a NUL does not end a password', async () => {
    const hash = await hashPassword('before\0after', cost);
    expect(await passwordMatches('before', hash)).toBe(false);
    expect(await passwordMatches('before\0other', hash)).toBe(false);
    expect(await passwordMatches('before\0after', hash)).toBe(true);
  });

  // macOS types decomposed characters, most others composed ones
  it.each([
    ['Latin', 'Ämter'],
    ['Hangul', '비밀번호'],
  ])('the composed and the decomposed form of a password are the same (%s)', async (_, password) => {
    const hash = await hashPassword(password.normalize('NFD'), cost);
    expect(password.normalize('NFD')).not.toBe(password.normalize('NFC'));
    expect(await passwordMatches(password.normalize('NFC'), hash)).toBe(true);
  });
});
