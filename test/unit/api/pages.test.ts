import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';

const dir = path.join(__dirname, '../../../templates/pages');
const ofService = {
  apiUrl: 'http://localhost:8000',
  docsUrl: 'http://localhost:8000/docs',
  healthUrl: 'http://localhost:8000/health',
  baseDomain: 'hosting.example',
  httpUrl: 'http://localhost',
};
const ofVm = {
  username: 'mina',
  vmName: 'vm-1a2b3c4d',
  sshCommand: 'ssh -i ~/.ssh/vm-1a2b3c4d -o HostKeyAlias=vm-1a2b3c4d -p 10001 ubuntu@localhost',
  sftpCommand: 'sftp -i ~/.ssh/vm-1a2b3c4d -o HostKeyAlias=vm-1a2b3c4d -P 10001 ubuntu@localhost',
  webUrl: 'http://localhost/1',
  subdomainUrl: 'http://mina.localhost',
};
const limits = {
  answerSeconds: '300',
  headerKiB: '32',
  uploadMiB: '1024',
  visitorConnections: '512',
  hostingConnections: '1024',
};
const pages = {
  'index.html.hbs': ofService,
  'not-found.html.hbs': ofService,
  'spare.html.hbs': { vmName: ofVm.vmName },
  'unreachable.html.hbs': ofService,
  'silent.html.hbs': { ...ofService, ...limits },
  'broken.html.hbs': { ...ofService, ...limits },
  'too-large.html.hbs': { ...ofService, ...limits },
  'too-many.html.hbs': { ...ofService, ...limits },
  'waking.html.hbs': { seconds: '2', failed: false },
  'welcome.html.hbs': ofVm,
};

/** Strict: a variable that the caller does not give throws instead of leaving a hole. */
function render(name: string, facts: object): string {
  return Handlebars.compile(readFileSync(path.join(dir, name), 'utf8'), { strict: true })(facts);
}

it('knows every page', () => {
  expect(readdirSync(dir).sort()).toEqual(Object.keys(pages).sort());
});

it.each(Object.entries(pages))('%s renders with its facts, runs nothing and loads nothing', (name, facts) => {
  const html = render(name, facts);
  expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
  expect(html).toContain('prefers-color-scheme: dark');
  expect(html).not.toMatch(/<script|\son\w+=|<link|<img|<iframe|@import|url\(|\bsrc=/i);
  const linked = [...html.matchAll(/href="([^"]*)"/g)].map(([, at]) => at);
  for (const at of linked) expect([...Object.values(facts), '#ko']).toContain(at);
  expect(Buffer.byteLength(html)).toBeLessThan(9 * 1024);
});

it('the welcome page greets by name, says how to connect and carries the mark the engine looks for', () => {
  const html = render('welcome.html.hbs', ofVm);
  expect(html).toContain('Hello, mina');
  expect(html).toContain('<meta name="vm-webhoster" content="vm-1a2b3c4d">');
  for (const fact of Object.values(ofVm)) expect(html.replaceAll('&#x3D;', '=')).toContain(fact);
  expect(html).toContain('/var/www/html');
});

it.each(Object.entries(pages))('%s says in Korean what it says in English', (name, facts) => {
  const korean = [...render(name, facts).matchAll(/lang="ko"[^>]*>([^]*?)<\/(?:p|span|section|a)>/g)].map(
    ([, text = '']) => text,
  );
  expect(korean.join(' ')).toMatch(/[가-힣]{2}/);
});

it('the landing page and the welcome page say that the private key comes once', () => {
  for (const name of ['index.html.hbs', 'welcome.html.hbs'] as const) {
    const html = render(name, pages[name]);
    expect(html).toMatch(/private key is returned only once|generated key was returned only once/);
    expect(html).toMatch(/한 번(만)? /);
  }
});

it('escapes what it is given', () => {
  const html = render('welcome.html.hbs', {
    ...ofVm,
    username: '<script>alert(1)</script>',
    vmName: '"><b>',
  });
  expect(html).not.toContain('<script>');
  expect(html).not.toContain('"><b>');
});
