/** Domains that users bring, on a real Nginx, with proofs asked of a real name server and certificates of Pebble. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { domains } from '../../engine/certificates';
import { allCertificates } from '../../engine/store/certificates';
import { releaseHosting } from '../../engine/store/hostings';
import { baseDomain, type HttpsWorld, openHttpsWorld, type Pebble, startPebble } from '../worlds/https-world';
import { freePort } from '../support/postgres';

jest.setTimeout(120_000);

let world: HttpsWorld;
let pebble: Pebble | null = null;
beforeEach(() => {
  process.umask(0o077);
});
afterEach(async () => {
  await world.close();
  await pebble?.close();
  pebble = null;
});

const sql = (text: string, values: unknown[] = []): Promise<unknown> =>
  world.parts.database.direct.query(text, values);
const certificates = () => allCertificates(world.parts.database.direct);

describe('domains that users bring', () => {
  const newDomain = async (secure: boolean) => {
    const httpPort = await freePort();
    pebble = await startPebble(httpPort);
    const dns = { DNS_SERVERS: pebble.dnsServer, HTTP_PORT: String(httpPort) };
    world = await openHttpsWorld(secure ? { ...pebble.settings, ...dns } : dns);
    const { user, hostingId } = await world.host('mina');
    await world.parts.routePublisher.publish();
    return { user, hostingId, api: domains(world.parts) };
  };

  it('a domain is served once a TXT record proves it, by HTTPS as soon as there is a certificate, and not after its removal', async () => {
    const { user, api } = await newDomain(true);
    const host = 'www.mina.net';
    const { record, proved } = await api.add(user, host.toUpperCase());
    expect([proved, record.name]).toEqual([false, `_vm-webhoster.${host}`]);
    await expect(api.verify(user, host)).rejects.toMatchObject({ code: 'domain_not_proved' });
    await world.keep();
    expect((await certificates()).map(({ name }) => name)).not.toContain(host);
    expect((await world.get({ host })).body).not.toContain('page of a guest');

    await pebble!.setTxt(record.name, record.value);
    expect(await api.verify(user, host)).toMatchObject({ proved: true });
    expect((await world.get({ host })).body).toContain('page of a guest');
    await world.keep();
    const { issuer, subjectaltname } = await world.shown(host);
    expect([issuer.CN, subjectaltname]).toEqual([expect.stringMatching(/Pebble/), `DNS:${host}`]);
    expect((await world.get({ host })).status).toBe(301);
    expect((await world.get({ host, secure: true })).body).toContain('page of a guest');

    await api.remove(user, host);
    expect(await api.list(user)).toEqual([]);
    expect((await world.get({ host })).body).not.toContain('page of a guest');
    expect((await world.shown(host)).subjectaltname).toBe('DNS:www.example.org');
    expect((await certificates()).map(({ name }) => name)).not.toContain(host);
    expect(readdirSync(path.join(world.config.nginxDir, 'tls'))).toHaveLength(8);
  });

  it('a domain belongs to one hosting and goes with it', async () => {
    const { user, hostingId, api } = await newDomain(false);
    const other = await world.host('kim');
    const host = 'shop.mina.net';
    const [one, two] = [await api.add(user, host), await api.add(other.user, host)];
    expect(one.record.value).not.toBe(two.record.value);
    await pebble!.setTxt(one.record.name, one.record.value);
    // the token of somebody else proves nothing
    await expect(api.verify(other.user, host)).rejects.toMatchObject({ code: 'domain_not_proved' });
    await api.verify(user, host);
    await pebble!.setTxt(two.record.name, two.record.value);
    await expect(api.verify(other.user, host)).rejects.toMatchObject({ code: 'domain_taken' });
    expect((await world.get({ host })).body).toContain('page of a guest');
    await world.parts.database.transaction((tx) => releaseHosting(tx, hostingId, { status: 'deleted' }));
    await world.parts.routePublisher.publish();
    expect((await world.get({ host })).body).not.toContain('page of a guest');
    expect(await sql(`SELECT count(*)::int AS left FROM domains WHERE hosting_id = $1`, [hostingId])).toEqual(
      [{ left: 0 }],
    );
    await api.verify(other.user, host);
    expect((await world.get({ host })).body).toContain('page of a guest');
  });

  it('a hosting has at most five domains, and none of the service’s own', async () => {
    const { user, api } = await newDomain(false);
    for (const refused of [
      baseDomain,
      `a.${baseDomain}`,
      'example.org',
      'www.example.org',
      'localhost',
      '192.0.2.1',
      'a_b.net',
    ])
      await expect(api.add(user, refused)).rejects.toMatchObject({ code: 'validation_failed' });
    for (let count = 0; count < 5; count++) await api.add(user, `d${count}.mina.net`);
    await expect(api.add(user, 'd6.mina.net')).rejects.toMatchObject({ code: 'too_many_domains' });
    await expect(api.add(user, 'd1.mina.net')).resolves.toMatchObject({ name: 'd1.mina.net' });
  });
});
