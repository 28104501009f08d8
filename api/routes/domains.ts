/** A user's own domains: add, prove, remove. */
import type { Domain } from '../../engine';
import { defineRoute, type Route } from '../route';
import { domainList, domainParams, domainRequest, oneDomain } from '../schemas/domain';

const showDomain = ({ name, proved, url, record, file, createdAt }: Domain) => ({
  domain: name,
  proved,
  url,
  txt_record: { ...record },
  http_file: { ...file },
  created_at: createdAt.toISOString(),
});

const list = defineRoute({
  name: 'listMyDomains',
  method: 'get',
  path: '/api/v1/host/my/domains',
  tag: 'Domains',
  summary: 'List the domains of your hosting',
  auth: 'user',
  responses: { 200: { description: 'All domains, proved or not', data: domainList } },
  failures: ['hosting_not_found'],
  async handle({ engine, user, answer }) {
    const domains = await engine.domains.list(user);
    return answer(200, { message: 'domains_listed', data: { domains: domains.map(showDomain) } });
  },
});

const add = defineRoute({
  name: 'addMyDomain',
  method: 'post',
  path: '/api/v1/host/my/domains',
  tag: 'Domains',
  summary: 'Add a custom domain',
  description:
    'The response names the TXT record, or alternatively the file at http://DOMAIN, that proves ownership. Then verify ' +
    'the domain. A domain that was added before is returned unchanged.',
  auth: 'user',
  body: domainRequest,
  responses: { 201: { description: 'The domain, and how to prove ownership', data: oneDomain } },
  failures: ['hosting_not_found', 'too_many_domains'],
  async handle({ engine, user, body, answer }) {
    const domain = await engine.domains.add(user, body.domain);
    return answer(201, { message: 'domain_added', data: { domain: showDomain(domain) } });
  },
});

const verify = defineRoute({
  name: 'verifyMyDomain',
  method: 'post',
  path: '/api/v1/host/my/domains/{domain}/verify',
  tag: 'Domains',
  summary: 'Verify a domain',
  description:
    'Looks for the proof of ownership. Once found, the domain is served and gets a certificate if the service uses HTTPS.',
  auth: 'user',
  params: domainParams,
  responses: { 200: { description: 'The domain is proved and served', data: oneDomain } },
  failures: [
    'hosting_not_found',
    'domain_not_found',
    'domain_not_proved',
    'domain_taken',
    'proxy_refused',
    'proxy_unreachable',
  ],
  async handle({ engine, user, params, answer }) {
    const domain = await engine.domains.verify(user, params.domain);
    return answer(200, { message: 'domain_verified', data: { domain: showDomain(domain) } });
  },
});

const remove = defineRoute({
  name: 'removeMyDomain',
  method: 'delete',
  path: '/api/v1/host/my/domains/{domain}',
  tag: 'Domains',
  summary: 'Remove a domain and its certificate',
  auth: 'user',
  params: domainParams,
  responses: { 204: { description: 'The domain has been removed', empty: true } },
  failures: ['hosting_not_found', 'domain_not_found', 'proxy_refused', 'proxy_unreachable'],
  async handle({ engine, user, params, answer }) {
    await engine.domains.remove(user, params.domain);
    return answer(204, { empty: true });
  },
});

export const domainRoutes: readonly Route[] = [list, add, verify, remove];
