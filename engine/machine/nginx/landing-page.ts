/** The service's own page. It is at the API: whatever a VM answers under a number shares no origin with it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';
import type { Config } from '../../base/config';
import { apiUrlOf, originOf } from '../../base/origins';
import { templatesDir } from '../../base/project';

/** What pages say of the service. */
export type ServiceFacts = Readonly<
  Record<'apiUrl' | 'docsUrl' | 'healthUrl' | 'baseDomain' | 'httpUrl', string>
>;

export function serviceFacts(config: Config): ServiceFacts {
  const apiUrl = apiUrlOf(config);
  return {
    apiUrl,
    docsUrl: `${apiUrl}/docs`,
    healthUrl: `${apiUrl}/api/v1/health`,
    baseDomain: config.BASE_DOMAIN,
    httpUrl: originOf(config, config.PUBLIC_HOST),
  };
}

/** @returns HTML */
export function landingPage(config: Config): string {
  const source = readFileSync(path.join(templatesDir, 'pages/index.html.hbs'), 'utf8');
  return Handlebars.compile(source, { strict: true })(serviceFacts(config));
}
