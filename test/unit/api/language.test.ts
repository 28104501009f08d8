import { EngineError, errorCodes, errorTexts } from '../../../engine';
import { errorMessages } from '../../../api/error-messages';
import { httpErrorCodes } from '../../../api/http-error';
import { fieldMessages, successMessages } from '../../../api/messages';
import { bearer, mina, startApi } from './harness';

const hangul = /[가-힣]/;
const ko = { 'Accept-Language': 'ko-KR,ko;q=0.9,en;q=0.5' };

it.each([
  [undefined, 'en'],
  ['en', 'en'],
  ['ko', 'ko'],
  ['ko-KR', 'ko'],
  ['fr', 'en'],
  ['fr, ko;q=0.8, en;q=0.2', 'ko'],
  ['en, ko;q=0.5', 'en'],
  ['ko;q=0, en', 'en'],
  ['*', 'en'],
  [';;;,,', 'en'],
])('Accept-Language %j is answered in %s', async (header, language) => {
  const { http } = startApi();
  const response = await http.get('/health').set(header === undefined ? {} : { 'Accept-Language': header });
  expect(hangul.test(response.body.message)).toBe(language === 'ko');
  expect(response.headers['content-language']).toBe(language);
  expect(response.headers['vary']).toContain('Accept-Language');
});

it('every text is there in both languages, and Korean is Korean', () => {
  const texts = Object.entries({ ...errorMessages, ...successMessages, ...fieldMessages });
  expect(Object.keys(errorMessages).sort()).toEqual([...errorCodes, ...httpErrorCodes].sort());
  for (const [key, text] of texts) {
    expect([key, hangul.test(text.ko), hangul.test(text.en), text.en.length > 5]).toEqual([
      key,
      true,
      false,
      true,
    ]);
  }
});

it('errors of the engine are specific in English and from the catalogue in Korean', async () => {
  const { engine, http, signIn } = startApi();
  const auth = bearer(await signIn());
  engine.break('mine', new EngineError('hosting_not_found', 'Specific text'));
  const english = await http.get('/api/v1/host/my').set(auth).expect(404);
  const korean = await http
    .get('/api/v1/host/my')
    .set({ ...auth, ...ko })
    .expect(404);
  expect(english.body.message).toBe('Specific text');
  expect(korean.body.message).toBe(errorTexts.hosting_not_found.ko);
});

it('the engine names no request; the API says which one helps, where an error says no more than its code', async () => {
  for (const code of errorCodes) {
    const { en, ko: korean } = errorTexts[code];
    expect(`${en} ${korean}`).not.toMatch(/\/api\/|(GET|POST|PUT|DELETE) \//);
  }
  const { engine, http, signIn } = startApi();
  const auth = bearer(await signIn());
  const messages: string[] = [];
  for (const thrown of [
    new EngineError('hosting_not_found'),
    new EngineError('hosting_not_found', 'There is no such hosting'),
  ]) {
    engine.break('mine', thrown);
    for (const headers of [auth, { ...auth, ...ko }])
      messages.push((await http.get('/api/v1/host/my').set(headers).expect(404)).body.message);
  }
  expect(messages).toEqual([
    'You have no hosting; POST /api/v1/host creates one',
    '호스팅이 없습니다. POST /api/v1/host로 만들 수 있습니다.',
    'There is no such hosting',
    '호스팅이 없습니다.',
  ]);
});

it('errors of the transport and of single fields are in Korean too', async () => {
  const { http } = startApi();
  const broken = await http.post('/api/v1/auth/register').set(ko).type('json').send('{').expect(400);
  expect(broken.body.message).toMatch(hangul);
  const input = { email: 'x', password: 42, unknown: 1, username: 'WWW' };
  const { body } = await http.post('/api/v1/auth/register').set(ko).send(input).expect(400);
  const { fields } = body.error.details;
  expect(fields.map(({ field }: { field: string }) => field)).toEqual([
    'email',
    'password',
    'username',
    'unknown',
  ]);
  for (const { message } of fields) expect(message).toMatch(hangul);
  const missing = await http
    .post('/api/v1/auth/register')
    .set(ko)
    .send({ ...mina, email: undefined })
    .expect(400);
  expect(missing.body.error.details.fields).toEqual([{ field: 'email', message: fieldMessages.required.ko }]);
});

it('what an operation failed with is in the reader’s language', async () => {
  const { engine, http, signIn } = startApi({ operationsEnd: 'by-hand' });
  const auth = bearer(await signIn());
  const { body } = await http.post('/api/v1/host').set({ ...auth, Prefer: 'respond-async' });
  const { id } = body.data.operation;
  engine.fakeOperations.end(id, { status: 'failed', failure: { code: 'apply_failed', message: 'Specific' } });
  const at = `/api/v1/operations/${id}`;
  const english = await http.get(at).set(auth);
  const korean = await http.get(at).set({ ...auth, ...ko });
  expect(english.body.data.operation.failure.message).toBe('Specific');
  expect(korean.body.data.operation.failure.message).toBe(errorMessages.apply_failed.ko);
});

it.each([
  ['?limit=999', '200 이하여야 합니다.', 'must be at most 200'],
  ['?limit=0', '1 이상이어야 합니다.', 'must be at least 1'],
  ['?limit=many', '숫자여야 합니다.', 'must be a number'],
  ['?status=lost', /^다음 중 하나여야 합니다: creating, /, /^must be one of creating, /],
])(
  'what a schema has no words for is said without the words of a library: %s',
  async (query, korean, english) => {
    const { engine, http, signIn } = startApi();
    const token = await signIn();
    engine.makeAdmin(mina.email);
    const told = async (headers: Record<string, string>): Promise<string> => {
      const { body } = await http
        .get(`/api/v1/admin/hostings${query}`)
        .set({ ...bearer(token), ...headers })
        .expect(400);
      return body.error.details.fields[0].message as string;
    };
    const like = (text: string | RegExp): unknown =>
      typeof text === 'string' ? text : expect.stringMatching(text);
    expect(await told(ko)).toEqual(like(korean));
    expect(await told({})).toEqual(like(english));
  },
);
