/** What the service keeps of texts of users, and what it serves by them: PostgreSQL and Nginx give them back as they came. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { nginxModules } from '../../engine/machine/nginx/nginx-modules';
import { renderNginx } from '../../engine/machine/nginx/render';
import { plainSite } from '../../engine/machine/nginx/site';
import { insertAudit, listAudit } from '../../engine/store/audit';
import { addDomain, domainsOf } from '../../engine/store/domains';
import { selectHostings } from '../../engine/store/hostings';
import { claimIdempotencyKey } from '../../engine/store/idempotency';
import { insertApiToken } from '../../engine/store/sessions';
import { findCredentials, findUserByName, insertUser } from '../../engine/store/users';
import { whole } from '../support/hostile';
import { sinkFile } from '../support/sink-file';
import { acceptedOf, pooled, reportSink } from '../support/user-values';
import { openWorld, type World } from '../worlds/world';

const at = sinkFile();

describe('Nginx', () => {
  it('Nginx reads a domain as one name of one server, whatever its length', () => {
    const names = acceptedOf('domain').slice(0, 4_000);
    const longest = `${['a', 'b', 'c'].map((letter) => letter.repeat(63)).join('.')}.${'d'.repeat(57)}.org`;
    const domains = [...names, longest].map((name) => ({ name, ip: '10.0.0.2' }));
    const settings = {
      ...{
        dir: at.dir,
        httpPort: 18_081,
        baseDomain: 'localhost',
        ...nginxModules(),
        user: null,
        api: null,
        apiUrl: 'http://localhost:8000',
      },
    };
    mkdirSync(path.join(at.dir, 'tmp'), { recursive: true });
    writeFileSync(path.join(at.dir, 'service-headers.conf'), '');
    const file = path.join(at.dir, 'nginx.conf');
    writeFileSync(file, renderNginx(settings, [], '0'.repeat(16), { ...plainSite, domains }));
    const argv = ['--net', 'nginx', '-T', '-q', '-c', file, '-p', at.dir];
    const read = execFileSync('unshare', argv, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const words = read.split(/[\s;]+/);
    const count = new Map<string, number>();
    for (const word of words) count.set(word, (count.get(word) ?? 0) + 1);
    // as a key of the map from names to VMs, and as a name of the server
    for (const { name } of domains)
      expect([name, (count.get(name) ?? 0) + (count.get(`"${name}"`) ?? 0)]).toEqual([name, 2]);
    reportSink('nginx-domains', at.started, { values: domains.length });
  });
});

describe('PostgreSQL', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());

  it('PostgreSQL keeps every account under its username and e-mail address', async () => {
    const { direct } = world.parts.database;
    const [emails, usernames] = [acceptedOf('e-mail'), acceptedOf('username')];
    const seen = new Set<string>();
    let count = 0;
    for (let index = 0; index < Math.min(emails.length, usernames.length); index++) {
      const [email = '', username = ''] = [emails[index], usernames[index]];
      if (seen.has(email.toLowerCase())) continue;
      seen.add(email.toLowerCase());
      const { id } = await insertUser(direct, { email, username, passwordHash: 'x' });
      expect((await findCredentials(direct, email))?.user).toMatchObject({ id, email, username });
      expect((await findUserByName(direct, username))?.id).toBe(id);
      count++;
    }
    reportSink('postgresql-accounts', at.started, { values: count * 2 });
  });

  it('PostgreSQL finds a hosting by its own labels only, and a token by its name', async () => {
    const { direct } = world.parts.database;
    const user = await world.newUser();
    const { hosting } = await world.engine.hostings.create(user, {});
    const [labelNames, labelValues] = [acceptedOf('label name'), acceptedOf('label value')];
    const filter = { names: [], olderThanSeconds: null };
    for (let index = 0; index < Math.min(labelNames.length, labelValues.length); index++) {
      const labels = Object.fromEntries([[labelNames[index]!, labelValues[index]!]]);
      await direct.query(`UPDATE hostings SET labels = $2 WHERE id = $1`, [
        hosting.id,
        JSON.stringify(labels),
      ]);
      expect((await selectHostings(direct, { ...filter, labels })).map((each) => each.labels)).toEqual([
        labels,
      ]);
    }
    for (const [index, name] of acceptedOf('token name').entries()) {
      const hash = Buffer.alloc(32);
      hash.writeUInt32BE(index);
      const id = `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
      const token = { id, userId: user.id, name, prefix: 'whk_x', hash, scopes: [], days: 1 };
      expect((await insertApiToken(direct, token)).name).toBe(name);
      await direct.query(`DELETE FROM api_tokens WHERE user_id = $1`, [user.id]);
    }
    for (const name of acceptedOf('domain'))
      await addDomain(direct, { hostingId: hosting.id, name, token: 'x' });
    const domains = (await domainsOf(direct, hosting.id)).map(({ name }) => name);
    expect(new Set(domains)).toEqual(new Set(acceptedOf('domain')));
    const listed = [...acceptedOf('names to list'), ...acceptedOf('user to plan for')];
    for (const text of listed)
      expect(
        await selectHostings(direct, { names: text.split(','), labels: {}, olderThanSeconds: null }),
      ).toEqual([]);
    const sizes = [labelNames, acceptedOf('token name'), acceptedOf('domain'), listed].map(
      ({ length }) => length,
    );
    reportSink('postgresql-labels-tokens-domains-lists', at.started, {
      values: sizes.reduce((sum, each) => sum + each, 0),
    });
  });

  it('PostgreSQL keeps an idempotency key and a sign-in attempt as they came', async () => {
    const { direct } = world.parts.database;
    const user = await world.newUser();
    for (const key of acceptedOf('idempotency key')) {
      expect(await claimIdempotencyKey(direct, user.id, key, 'a request')).toBeNull();
      await expect(claimIdempotencyKey(direct, user.id, key, 'another')).rejects.toMatchObject({
        code: 'idempotency_key_reused',
      });
    }
    const attempt = {
      userId: null,
      actor: 'anonymous',
      via: 'none',
      outcome: 'refused',
      code: null,
    } as const;
    const texts = acceptedOf('name to sign in with').map(whole);
    for (const text of texts) {
      const of = { action: 'login', target: null, targetEmail: text, address: null, requestId: null };
      await insertAudit(direct, { ...attempt, ...of });
      expect(await findCredentials(direct, text)).toBeNull();
    }
    for (const text of pooled()
      .map(whole)
      .filter((each) => !each.includes('\0'))) {
      await insertAudit(direct, { ...attempt, action: 'x', target: text, address: null, requestId: null });
      expect((await listAudit(direct, { limit: 1 }))[0]?.target).toBe(text);
    }
    reportSink('postgresql-keys-and-records', at.started, {
      values: acceptedOf('idempotency key').length + texts.length,
    });
  });
});
