/** Accounts, sessions and tokens: one suite for the engine and for the fake that stands in its place in tests of the API. */
import { type Account, anyDate, anyId, engines, refusal, sceneOf, unknownId } from './support/engines';

describe.each(engines)('%s', (_, open) => {
  const scene = sceneOf(open);
  const { engine } = scene;

  const whoIs = async (accessToken: string) => (await engine.accounts.authenticate(accessToken)).user;
  const newToken = async ({ user }: Account) =>
    (await engine.tokens.create(user, { name: 'script', scopes: ['hosting:read'], days: 1 })).token;

  it('there is one account for each e-mail address, however it is written, and for each username', async () => {
    const given = { email: 'Mina@Example.org', password: 'correct horse battery', username: 'mina' };
    const user = await engine.accounts.register(given);
    expect(user).toEqual({
      ...{ id: expect.any(Number), email: given.email },
      ...{ username: 'mina', role: 'user', createdAt: anyDate },
    });
    const registered = (change: object) => refusal(engine.accounts.register({ ...given, ...change }));
    expect(await registered({ email: 'mINA@eXAMPLE.ORG', username: 'minna' })).toBe('email_taken');
    expect(await registered({ email: 'minna@example.org' })).toBe('username_taken');
    expect(await registered({})).toBe('username_taken');
    expect(await registered({ email: 'mına@example.org', username: 'minna' })).toBe(
      'validation_failed message',
    );
  });

  it('a user signs in with the password and the e-mail address in any case', async () => {
    const { user, email, password } = await scene.newAccount();
    const signedIn = await engine.accounts.login({ email: email.toUpperCase(), password });
    expect(signedIn).toEqual({ accessToken: expect.any(String), expiresInSeconds: expect.any(Number), user });
    expect(await engine.accounts.authenticate(signedIn.accessToken)).toEqual({
      user,
      via: { kind: 'session', id: anyId, expiresAt: anyDate },
    });
    for (const wrong of [
      { email, password: `${password}?` },
      { email: 'nobody@example.org', password },
    ])
      expect(await refusal(engine.accounts.login(wrong))).toBe('invalid_credentials');
    expect(await refusal(whoIs('nonsense'))).toBe('unauthorized message');
  });

  it('guessing a password makes the guesser wait, and nobody from elsewhere', async () => {
    const account = await scene.newAccount();
    const caller = await scene.signIn(account);
    const { email, password } = account;
    const login = (given: string, address: string) =>
      engine.accounts.login({ email, password: given, address });
    for (let count = 0; count < 10; count++)
      expect(await refusal(login('guess', '192.0.2.1'))).toBe('invalid_credentials');
    const wait = 'too_many_attempts message retryAfterSeconds';
    expect(await refusal(login(password, '192.0.2.1'))).toBe(wait);
    const change = { current: password, next: 'another long passphrase', address: '192.0.2.1' };
    expect(await refusal(engine.accounts.changePassword(caller, change))).toBe(wait);
    expect(await refusal(engine.accounts.delete(caller, { password, address: '192.0.2.1' }))).toBe(wait);
    expect((await login(password, '192.0.2.2')).user).toEqual(account.user);
  });

  it('one session of a user ends, or all of them; API tokens stay', async () => {
    const account = await scene.newAccount();
    const [one, other, third] = [
      await scene.signIn(account),
      await scene.signIn(account),
      await scene.signIn(account),
    ];
    const token = await newToken(account);
    await engine.accounts.logout(one, { everywhere: false });
    expect(await refusal(whoIs(one.accessToken))).toBe('unauthorized message');
    expect(await whoIs(other.accessToken)).toEqual(account.user);
    await engine.accounts.logout(other, { everywhere: true });
    for (const { accessToken } of [other, third])
      expect(await refusal(whoIs(accessToken))).toBe('unauthorized message');
    expect(await whoIs(token)).toEqual(account.user);
    expect((await scene.signIn(account)).user).toEqual(account.user);
  });

  it('a changed password ends every session but a new one', async () => {
    const account = await scene.newAccount();
    const { email, password } = account;
    const caller = await scene.signIn(account);
    const token = await newToken(account);
    const next = 'another long passphrase';
    expect(await refusal(engine.accounts.changePassword(caller, { current: 'wrong', next }))).toBe(
      'wrong_password',
    );
    const signedIn = await engine.accounts.changePassword(caller, { current: password, next });
    expect(signedIn).toEqual({
      ...{ accessToken: expect.any(String), expiresInSeconds: expect.any(Number) },
      user: account.user,
    });
    expect(await refusal(whoIs(caller.accessToken))).toBe('unauthorized message');
    for (const good of [signedIn.accessToken, token]) expect(await whoIs(good)).toEqual(account.user);
    expect(await refusal(engine.accounts.login({ email, password }))).toBe('invalid_credentials');
    expect((await engine.accounts.login({ email, password: next })).user).toEqual(account.user);
  });

  it('an account without a hosting can be deleted; its username is reserved, its address is not', async () => {
    const account = await scene.newAccount();
    const { user, email, password } = account;
    const caller = await scene.signIn(account);
    const token = await newToken(account);
    const leave = (given: string) => engine.accounts.delete(caller, { password: given });
    expect(await refusal(leave('wrong'))).toBe('wrong_password');
    const { operation } = await engine.hostings.create(user, {});
    expect(await refusal(leave(password))).toBe('hosting_exists');
    await scene.work(operation);
    const removal = await engine.hostings.delete(user);
    expect(await refusal(leave(password))).toBe('hosting_exists');
    await scene.work(removal);
    await leave(password);
    for (const bad of [caller.accessToken, token])
      expect(await refusal(whoIs(bad))).toBe('unauthorized message');
    expect(await refusal(leave(password))).toBe('wrong_password');
    expect(await refusal(engine.accounts.login({ email, password }))).toBe('invalid_credentials');
    expect(await refusal(engine.hostings.create(user, {}))).toBe('unauthorized message');
    expect(await refusal(engine.labels.of(user.username))).toBe('not_found message');

    const again = (username: string) => engine.accounts.register({ email, password, username });
    expect(await refusal(again(user.username))).toBe('username_retired message freeAt');
    const next = await again('somebody-else');
    expect(next.id).toBeGreaterThan(user.id);
    expect(await refusal(whoIs(token))).toBe('unauthorized message');
    await engine.usernames.release(user.username);
    expect(await refusal(engine.usernames.release(user.username))).toBe('not_found message');
    const named = { email: 'heir@example.org', password, username: user.username };
    expect(await engine.accounts.register(named)).toMatchObject({ username: user.username });
  });

  it('API tokens are created, and the valid ones are listed newest first', async () => {
    const { user } = await scene.newAccount();
    const { user: other } = await scene.newAccount();
    const create = (name: string, days = 1) =>
      engine.tokens.create(user, { name, scopes: ['hosting:read', 'hosting:read'], days });
    const { token, made } = await create('one');
    expect(made).toEqual({
      ...{ id: anyId, userId: user.id, name: 'one', prefix: token.slice(0, 12), scopes: ['hosting:read'] },
      ...{ createdAt: anyDate, expiresAt: anyDate, lastUsedAt: null, revokedAt: null },
    });
    expect(await engine.accounts.authenticate(token)).toEqual({
      user,
      via: { kind: 'token', id: made.id, prefix: made.prefix, scopes: made.scopes },
    });
    const { made: second } = await create('two');
    const ended = await create('three', 0);
    expect(await refusal(whoIs(ended.token))).toBe('unauthorized message');
    expect(await engine.tokens.list(user)).toEqual([second, { ...made, lastUsedAt: anyDate }]);
    expect(await engine.tokens.list(other)).toEqual([]);
    for (const [who, id] of [
      [other, made.id],
      [user, ended.made.id],
      [user, unknownId],
    ] as const)
      expect(await refusal(engine.tokens.revoke(who, id))).toBe('token_not_found');
    await engine.tokens.revoke(user, made.id);
    expect(await refusal(engine.tokens.revoke(user, made.id))).toBe('token_not_found');
    expect(await refusal(whoIs(token))).toBe('unauthorized message');
  });

  it('only administrators get a token with the scope admin, and nobody gets more than 50 tokens', async () => {
    const [{ user }, admin] = [await scene.newAccount(), await scene.newAccount('admin')];
    const create = (who: typeof user, scope: 'admin' | 'hosting:read') =>
      engine.tokens.create(who, { name: 'script', scopes: [scope], days: 1 });
    expect(await refusal(create(user, 'admin'))).toBe('forbidden message');
    expect((await whoIs((await create(admin.user, 'admin')).token)).role).toBe('admin');
    for (let count = 0; count < 50; count++) await create(user, 'hosting:read');
    expect(await refusal(create(user, 'hosting:read'))).toBe('quota_exceeded message');
  });
});
