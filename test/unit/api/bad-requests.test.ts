import { bearer, fieldsOf, mina, startApi } from './harness';

const register = '/api/v1/auth/register';

describe('a body', () => {
  it.each(['{', '{"email":', 'null', '"text"', '42', "{'email':1}", '{"email":"a"}}'])(
    'that is %j is 400 malformed_json',
    async (text) => {
      const { http } = startApi();
      const { body, text: answer } = await http.post(register).type('json').send(text).expect(400);
      expect(body).toMatchObject({ success: false, error: { code: 'malformed_json', details: {} } });
      expect(answer).not.toContain('SyntaxError');
    },
  );

  it('that is missing is 400, naming the body', async () => {
    const { http } = startApi();
    expect(fieldsOf(await http.post(register))).toEqual(['body']);
  });

  it('that lacks every field is 400, naming them all', async () => {
    const { http } = startApi();
    const response = await http.post(register).send({});
    expect(fieldsOf(response)).toEqual(['email', 'password', 'username']);
    expect(response.body.error.details.fields[0]).toEqual({ field: 'email', message: 'is required' });
  });

  it.each([42, null, true, ['a@example.com'], { $ne: '' }])(
    'with an e-mail of type %j is 400',
    async (email) => {
      const { http } = startApi();
      expect(fieldsOf(await http.post(register).send({ ...mina, email }))).toEqual(['email']);
    },
  );

  it('with unknown fields is 400, naming them', async () => {
    const { http } = startApi();
    const response = await http.post(register).send({ ...mina, role: 'admin', id: 1 });
    expect(fieldsOf(response)).toEqual(['role', 'id']);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('with %s is 400 and pollutes nothing', async (name) => {
    const { http } = startApi();
    const text = JSON.stringify(mina).replace('{', `{"${name}":{"polluted":true},`);
    expect(fieldsOf(await http.post(register).type('json').send(text))).toEqual([name]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('with ten thousand unknown fields gets a short answer', async () => {
    const { http } = startApi();
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`f${index}`, 1]));
    const response = await http.post(register).send({ ...mina, ...many, ['n'.repeat(5000)]: 1 });
    expect(fieldsOf(response)).toHaveLength(20);
    const long = await http.post(register).send({ ...mina, ['n'.repeat(5000)]: 1 });
    expect(fieldsOf(long)[0]).toHaveLength(100);
  });

  it('of more than 64 KiB is 413, announced or not', async () => {
    const { http } = startApi();
    const big = JSON.stringify({ ...mina, email: 'a'.repeat(65 * 1024) });
    const announced = await http.post(register).type('json').send(big).expect(413);
    expect(announced.body.error.code).toBe('payload_too_large');
    const chunked = http.post(register).type('json').set('Transfer-Encoding', 'chunked');
    chunked.write(big);
    expect((await chunked).status).toBe(413);
    await http
      .post('/api/v1/auth/login')
      .type('form')
      .send(`username=${'a'.repeat(65 * 1024)}`)
      .expect(413);
  });

  it('of just under 64 KiB is read', async () => {
    const { http } = startApi();
    expect(fieldsOf(await http.post(register).send({ ...mina, email: 'a'.repeat(63 * 1024) }))).toEqual([
      'email',
    ]);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
  ])('of type %s is 415, naming the right one', async (type) => {
    const { http } = startApi();
    const { body } = await http
      .post(register)
      .set('Content-Type', type)
      .send(JSON.stringify(mina))
      .expect(415);
    expect(body.error).toMatchObject({
      code: 'unsupported_media_type',
      details: { expected: 'application/json' },
    });
  });

  it('without a type, in another charset or compressed is 415', async () => {
    const { http } = startApi();
    const untyped = http.post(register).unset('Content-Type');
    untyped.write(JSON.stringify(mina));
    expect((await untyped).status).toBe(415);
    await http
      .post(register)
      .set('Content-Type', 'application/json; charset=latin1')
      .send(JSON.stringify(mina))
      .expect(415);
    await http
      .post(register)
      .type('json')
      .set('Content-Encoding', 'gzip')
      .send(JSON.stringify(mina))
      .expect(415);
  });

  it('is optional for POST /host, and judged when it is there', async () => {
    const { http, signIn } = startApi();
    const auth = bearer(await signIn());
    await http.post('/api/v1/host').set(auth).set('Content-Type', 'text/plain').send('x').expect(415);
    await http.post('/api/v1/host').set(auth).type('json').send('{').expect(400);
    await http.post('/api/v1/host').set(auth).type('json').expect(201);
  });
});

describe('an address', () => {
  it.each([
    '/nothing',
    '/api/v1/nothing',
    '/api/v2/host',
    '/api/v1/host/my/extra',
    '/docs/assets/package.json',
    '/docs/assets/..%2fpackage.json',
  ])('%s is 404 as JSON', async (at) => {
    const { http } = startApi();
    const { body } = await http.get(at).expect(404);
    expect(body).toMatchObject({ success: false, error: { code: 'not_found', details: {} } });
  });

  it.each([
    ['delete', register, 'OPTIONS, POST'],
    ['get', '/api/v1/host', 'OPTIONS, POST'],
    ['put', '/api/v1/host/my', 'DELETE, GET, HEAD, OPTIONS'],
    ['patch', '/api/v1/operations/x', 'GET, HEAD, OPTIONS'],
    ['post', '/health', 'GET, HEAD, OPTIONS'],
  ] as const)('%s %s is 405 with Allow', async (method, at, allow) => {
    const { http } = startApi();
    const { body, headers } = await http[method](at).expect(405);
    expect(body.error.code).toBe('method_not_allowed');
    expect(headers['allow']).toBe(allow);
  });

  it('answers OPTIONS with its methods and nothing for other origins', async () => {
    const { http } = startApi();
    const { headers } = await http
      .options('/api/v1/host/my')
      .set('Origin', 'http://evil.example')
      .expect(204);
    expect(headers['allow']).toBe('DELETE, GET, HEAD, OPTIONS');
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});
