import { bearer, fieldsOf, juno, mina, startApi } from './harness';

describe('POST /api/v1/auth/register', () => {
  it('creates an account and never answers the password', async () => {
    const { http } = startApi();
    const response = await http.post('/api/v1/auth/register').send(mina).expect(201);
    expect(response.body).toMatchObject({
      success: true,
      message: 'Account created',
      data: { user: { id: 1, email: mina.email, username: 'mina', role: 'user' } },
    });
    expect(new Date(response.body.data.user.created_at).toISOString()).toBe(
      response.body.data.user.created_at,
    );
    expect(response.text).not.toContain(mina.password);
  });

  it('refuses an e-mail that has an account, however it is capitalised', async () => {
    const { http } = startApi();
    await http.post('/api/v1/auth/register').send(mina).expect(201);
    const again = { ...juno, email: 'MINA@example.com' };
    const { body } = await http.post('/api/v1/auth/register').send(again).expect(409);
    expect(body).toMatchObject({ success: false, error: { code: 'email_taken' } });
  });

  it('refuses a username that is taken', async () => {
    const { http } = startApi();
    await http.post('/api/v1/auth/register').send(mina).expect(201);
    const { body } = await http
      .post('/api/v1/auth/register')
      .send({ ...juno, username: 'mina' })
      .expect(409);
    expect(body.error.code).toBe('username_taken');
  });

  it.each([
    'no-at-sign',
    'a@b',
    '@example.com',
    'two@@example.com',
    'spa ce@example.com',
    'x@exa_mple.com',
    'a@b.c\n',
    `${'l'.repeat(65)}@example.com`,
    `${'l'.repeat(60)}@${'d'.repeat(190)}.com`,
    `${'a'.repeat(40_000)}@example.com`,
    '"><script>@example.com',
    '',
    ' ',
  ])('refuses the e-mail %#', async (email) => {
    const { http } = startApi();
    expect(fieldsOf(await http.post('/api/v1/auth/register').send({ ...mina, email }))).toEqual(['email']);
  });

  it.each(['mina@example.com', 'a.b+tag@sub.example.co.kr', `${'l'.repeat(64)}@example.com`])(
    'accepts the e-mail %s',
    async (email) => {
      const { http } = startApi();
      await http
        .post('/api/v1/auth/register')
        .send({ ...mina, email })
        .expect(201);
    },
  );

  it.each([
    ['too short', 'short-one'],
    ['too long by one', 'x1'.repeat(64) + 'x'],
    ['of 10,000 characters', 'x1'.repeat(5000)],
    ['common', 'password123'],
    ['common in capitals', 'PassWord123'],
    ['one character again and again', 'aaaaaaaaaaaa'],
    ['the product and a year', 'Webhoster2026!'],
    ['words of the product', 'my vm-hosting server'],
    ['words of the product, at length', 'webhosting'.repeat(12)],
    ['the e-mail', mina.email],
    ['the e-mail in capitals', mina.email.toUpperCase()],
    ['the e-mail in full width', 'ｍｉｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ'],
    ['common in full width', 'ｐａｓｓｗｏｒｄ１２３'],
    ['words of the product, with the Kelvin sign and the like', 'web\u02b0oster2026!'],
    ['short, in letters that a keyboard takes apart', 'e\u0301o\u0301u\u0301'.repeat(3)],
    ['empty', ''],
  ])('refuses a password that is %s', async (_what, password) => {
    const { http } = startApi();
    const response = await http.post('/api/v1/auth/register').send({ ...mina, password });
    expect(fieldsOf(response)).toEqual(['password']);
    if (password !== '') expect(response.text).not.toContain(password);
  });

  it('refuses the username as password', async () => {
    const { http } = startApi();
    const named = { ...mina, username: 'mina-the-great', password: 'Mina-The-Great' };
    expect(fieldsOf(await http.post('/api/v1/auth/register').send(named))).toEqual(['password']);
  });

  it.each([
    '0123456789ab',
    '8472910563',
    'x1'.repeat(64),
    '비밀번호는충분히길게씁니다',
    'hosting 비밀번호',
    'a horse on my server',
    `${'webhosting'.repeat(11)} zebra`,
  ])('accepts the password %#', async (password) => {
    const { http } = startApi();
    await http
      .post('/api/v1/auth/register')
      .send({ ...mina, password })
      .expect(201);
  });

  it.each([
    'ab',
    'a'.repeat(33),
    '1mina',
    '-mina',
    'mina-',
    'mi_na',
    'mi.na',
    'mi na',
    '미나미나',
    'xn--mina',
    '',
    'www',
    'api',
    'admin',
    'localhost',
    'mail',
    'root',
    '${file("/etc/passwd")}',
    '../etc',
    '__proto__',
  ])('refuses the username %j', async (username) => {
    const { http } = startApi();
    expect(fieldsOf(await http.post('/api/v1/auth/register').send({ ...mina, username }))).toEqual([
      'username',
    ]);
  });

  it.each([
    'webhoster',
    'nginx',
    'Security-Team',
    'vm-2d0c9cfe',
    'VM-2D0C9CFE',
    'mx1',
    'admin-kim',
    'post-master',
  ])('keeps back the username %s, and says what to do', async (username) => {
    const { http } = startApi();
    const refused = await http.post('/api/v1/auth/register').send({ ...mina, username });
    expect(fieldsOf(refused)).toEqual(['username']);
    expect(refused.body.error.details.fields[0].message).toContain('choose another');
  });

  it.each(['\u212aim-x', 'ｍｉｎａ', 'mına', 'MİNA', 'mina\u200b', 'mina.'])(
    'reads no other letters into the username %j',
    async (username) => {
      const { http } = startApi();
      expect(fieldsOf(await http.post('/api/v1/auth/register').send({ ...mina, username }))).toEqual([
        'username',
      ]);
    },
  );

  it.each(['abc', 'a'.repeat(32), 'm1-na', 'rooted'])('accepts the username %s', async (username) => {
    const { http } = startApi();
    await http
      .post('/api/v1/auth/register')
      .send({ ...mina, username })
      .expect(201);
  });
});

describe('POST /api/v1/auth/login', () => {
  const form = { username: mina.email, password: mina.password };

  it('answers a bearer token in the shape of OAuth2, outside the envelope', async () => {
    const { http } = startApi();
    await http.post('/api/v1/auth/register').send(mina).expect(201);
    const { body } = await http.post('/api/v1/auth/login').type('form').send(form).expect(200);
    expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'token_type', 'user']);
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 3600, user: { email: mina.email } });
  });

  it('takes what generic OAuth2 clients send along', async () => {
    const { http } = startApi();
    await http.post('/api/v1/auth/register').send(mina).expect(201);
    const along = { ...form, grant_type: 'password', scope: '', client_id: '', client_secret: '' };
    await http.post('/api/v1/auth/login').type('form').send(along).expect(200);
    const other = await http
      .post('/api/v1/auth/login')
      .type('form')
      .send({ ...form, grant_type: 'implicit' });
    expect(fieldsOf(other)).toEqual(['grant_type']);
  });

  it('answers a wrong password and an unknown user alike', async () => {
    const { http } = startApi();
    await http.post('/api/v1/auth/register').send(mina).expect(201);
    const login = (input: object) => http.post('/api/v1/auth/login').type('form').send(input).expect(401);
    const wrong = await login({ ...form, password: 'wrong password' });
    const unknown = await login({ ...form, username: 'nobody@example.com' });
    expect(wrong.body.error.code).toBe('invalid_credentials');
    expect(wrong.headers['www-authenticate']).toBe('Bearer');
    expect({ ...unknown.body.error, request_id: '' }).toEqual({ ...wrong.body.error, request_id: '' });
    expect(unknown.body.message).toBe(wrong.body.message);
  });

  it('refuses JSON, missing, repeated and unknown fields', async () => {
    const { http } = startApi();
    await http.post('/api/v1/auth/login').send(form).expect(415);
    const login = (text: string) => http.post('/api/v1/auth/login').type('form').send(text);
    expect(fieldsOf(await login('username=a'))).toEqual(['password']);
    expect(fieldsOf(await login('username=a&username=b&password=c'))).toEqual(['username']);
    expect(fieldsOf(await login('username=a&password[x]=c'))).toEqual(['password', 'password[x]']);
    expect(fieldsOf(await login('username=a&password=b&role=admin'))).toEqual(['role']);
    expect(fieldsOf(await login(`username=a&password=${'x'.repeat(10_000)}`))).toEqual(['password']);
    expect(fieldsOf(await http.post('/api/v1/auth/login').type('form'))).toEqual(['body']);
  });
});

describe('GET /api/v1/auth/me', () => {
  it('answers who the token belongs to', async () => {
    const { http, signIn } = startApi();
    await signIn(juno);
    const token = await signIn();
    const { body } = await http.get('/api/v1/auth/me').set(bearer(token)).expect(200);
    expect(body).toMatchObject({ success: true, data: { user: { id: 2, username: 'mina' } } });
  });

  it('takes the scheme in any case, as RFC 7235 says', async () => {
    const { http, signIn } = startApi();
    await http
      .get('/api/v1/auth/me')
      .set('Authorization', `bEARER ${await signIn()}`)
      .expect(200);
  });

  it('answers 401 in one way, whatever is wrong with the token', async () => {
    const { engine, http, signIn } = startApi();
    const token = await signIn();
    engine.revokeTokens();
    const bad = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Basic bWluYTpw',
      token,
      `Bearer ${token} x`,
      'Bearer !',
      `Bearer ${token}`,
    ];
    const answers = [];
    for (const value of bad) {
      const response = await http
        .get('/api/v1/auth/me')
        .set(value === undefined ? {} : { Authorization: value });
      expect(response.status).toBe(401);
      expect(response.headers['www-authenticate']).toBe('Bearer');
      const { error, ...rest } = response.body;
      answers.push(JSON.stringify({ ...rest, code: error.code, details: error.details }));
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('"code":"unauthorized"');
  });

  it('does not trouble the engine with what cannot be a token', async () => {
    const { engine, http } = startApi();
    engine.break('authenticate', new Error('asked in vain'));
    await http.get('/api/v1/auth/me').expect(401);
    await http.get('/api/v1/auth/me').set('Authorization', 'Bearer a b').expect(401);
  });

  it('does not take a token from the query string', async () => {
    const { http, signIn } = startApi();
    await http.get(`/api/v1/auth/me?access_token=${await signIn()}`).expect(401);
  });
});

it.each([
  ['get', '/api/v1/auth/me'],
  ['post', '/api/v1/host'],
  ['get', '/api/v1/host/my'],
  ['delete', '/api/v1/host/my'],
  ['get', '/api/v1/operations/x'],
  ['get', '/api/v1/operations/x/events'],
  ['post', '/api/v1/operations/x/cancel'],
] as const)('%s %s asks for a token before it looks at anything else', async (method, path) => {
  const { http } = startApi();
  const { body } = await http[method](path).type('json').send('{broken').expect(401);
  expect(body.error.code).toBe('unauthorized');
});
