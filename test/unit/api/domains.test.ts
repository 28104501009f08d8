import { bearer, fieldsOf, juno, startApi } from './harness';

const at = '/api/v1/host/my/domains';

async function withHosting() {
  const api = startApi();
  const headers = bearer(await api.signIn());
  await api.http.post('/api/v1/host').set(headers).expect(201);
  return { ...api, headers };
}

describe('domains of a hosting', () => {
  it('are added with what proves them, verified, listed and removed', async () => {
    const { http, engine, headers } = await withHosting();
    const { body } = await http.post(at).set(headers).send({ domain: 'www.mina.net' }).expect(201);
    expect(body.data.domain).toMatchObject({
      domain: 'www.mina.net',
      proved: false,
      txt_record: { name: '_vm-webhoster.www.mina.net', value: expect.any(String) },
    });
    const { txt_record: record, http_file: file } = body.data.domain;
    expect(file).toEqual({ path: `/.well-known/vm-webhoster/${record.value}`, content: record.value });
    const early = await http.post(`${at}/www.mina.net/verify`).set(headers).expect(409);
    expect(early.body.error.code).toBe('domain_not_proved');
    engine.proved.add('www.mina.net');
    const proved = await http.post(`${at}/WWW.mina.net/verify`).set(headers).expect(200);
    expect(proved.body.data.domain.proved).toBe(true);
    expect((await http.get(at).set(headers).expect(200)).body.data.domains).toHaveLength(1);
    await http.delete(`${at}/www.mina.net`).set(headers).expect(204);
    expect((await http.get(at).set(headers).expect(200)).body.data.domains).toEqual([]);
    expect((await http.delete(`${at}/www.mina.net`).set(headers).expect(404)).body.error.code).toBe(
      'domain_not_found',
    );
  });

  it('need a hosting, and a login', async () => {
    const { http, signIn } = startApi();
    expect(
      (
        await http
          .get(at)
          .set(bearer(await signIn(juno)))
          .expect(404)
      ).body.error.code,
    ).toBe('hosting_not_found');
    await http.get(at).expect(401);
    await http.post(at).send({ domain: 'a.org' }).expect(401);
  });

  it.each([
    '',
    'a',
    'a b.org',
    '192.0.2.1',
    '*.a.org',
    'a.org:80',
    'a..org',
    `${'a'.repeat(64)}.org`,
    'bücher_1.org',
    7,
  ])('are refused by shape: %p', async (domain) => {
    const { http, headers } = await withHosting();
    expect(fieldsOf(await http.post(at).set(headers).send({ domain }))).toEqual(['domain']);
  });
});
