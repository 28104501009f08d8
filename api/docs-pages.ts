/** The landing page, /openapi.json, and /docs: Swagger UI from the installed package, under a policy that allows no inline script. */
import path from 'node:path';
import { Router, type Response } from 'express';
import { note } from './request-log';
import { docsPolicy, landingPolicy } from './security-headers';

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>vm-webhoster API</title>
    <link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/assets/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const start = `window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

/** By name: the package's folder also holds a demo page and source maps that need not be public. */
const assets: readonly string[] = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];
const assetsDir = path.dirname(require.resolve('swagger-ui-dist/package.json'));

/** @param landing  HTML; null leads to the documentation */
export function docsPages(document: object, landing: string | null): Router {
  const router = Router();
  const json = JSON.stringify(document);
  const get = (at: string, answer: (response: Response) => void): void => {
    router.get(at, (_request, response) => {
      note(response, { route: at });
      answer(response);
    });
  };
  get('/', (response) => {
    if (landing === null) response.redirect(302, '/docs');
    else response.set('Content-Security-Policy', landingPolicy).type('html').send(landing);
  });
  get('/openapi.json', (response) => void response.type('application/json').send(json));
  get(
    '/docs',
    (response) => void response.set('Content-Security-Policy', docsPolicy).type('html').send(page),
  );
  get('/docs/start.js', (response) => void response.type('text/javascript').send(start));
  for (const asset of assets) {
    get(`/docs/assets/${asset}`, (response) => {
      // Public files of the package; the rule for answers, no-store, would make each visit load 1.5 MB.
      response.set('Cache-Control', 'public, max-age=3600').sendFile(asset, { root: assetsDir });
    });
  }
  return router;
}
