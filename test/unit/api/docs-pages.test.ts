import { startApi } from './harness';

it('/docs is Swagger UI under a policy without inline script, and links only to itself', async () => {
  const { http } = startApi();
  const { text, headers } = await http.get('/docs').expect(200);
  const policy = String(headers['content-security-policy']);
  expect(headers['content-type']).toContain('text/html');
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).not.toMatch(/unsafe|\*|http/);
  expect(text).not.toMatch(/<script(?![^>]*src=)|\son\w+=|style=|https?:/);
  const linked = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, at]) => String(at));
  expect(linked).toHaveLength(4);
  const types = ['image/png', 'text/css', 'text/javascript', 'text/javascript'];
  for (const [index, at] of linked.entries()) {
    const response = await http.get(at).expect(200);
    expect(response.headers['content-type']).toContain(types[index]);
    expect(response.headers['x-content-type-options']).toBe('nosniff');
  }
});

it('/docs/start.js opens the document of this service', async () => {
  const { http } = startApi();
  const { text } = await http.get('/docs/start.js').expect(200);
  expect(text).toContain("url: '/openapi.json'");
  expect(text).toContain('validatorUrl: null');
});

it('assets may be cached, and / leads to the docs', async () => {
  const { http } = startApi();
  const { headers } = await http.get('/docs/assets/swagger-ui.css').expect(200);
  expect(headers['cache-control']).toBe('public, max-age=3600');
  await http.get('/').expect(302).expect('Location', '/docs');
});
