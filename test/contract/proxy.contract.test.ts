/** The proxy: what Nginx and the fake have in common. */
import { ana, type Bench, fakeBench, kim, realBench, route, silent } from './support/proxies';

describe.each<[string, () => Promise<Bench>]>([
  ['Nginx', () => realBench()],
  ['Nginx in a container of its own', () => realBench('pipe')],
  ['the fake proxy', fakeBench],
])('%s', (_, open) => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await open();
  });
  afterEach(() => bench.close());

  it('the proxy does not answer before the first publish', async () => {
    await expect(bench.proxy.fetch('/1')).rejects.toMatchObject({
      code: 'proxy_unreachable',
      retryable: true,
    });
    await expect(bench.proxy.version()).rejects.toMatchObject({ code: 'proxy_unreachable' });
  });

  it('the proxy serves each user’s page by number as soon as its route is published', async () => {
    await bench.proxy.publish([await route(1, 'ana', ana), await route(12, 'kim', kim)]);
    expect(await bench.proxy.fetch('/1')).toContain(bench.pageOf(ana));
    expect(await bench.proxy.fetch('/12')).toContain(bench.pageOf(kim));
    expect(await bench.proxy.version()).toMatch(/^nginx \d+\.\d+\.\d+/);
  });

  it('the proxy serves exactly the routes of the last publish', async () => {
    await bench.proxy.publish([await route(1, 'ana', ana)]);
    await bench.proxy.publish([await route(2, 'kim', kim)]);
    expect(await bench.proxy.fetch('/1')).not.toContain(bench.pageOf(ana));
    expect(await bench.proxy.fetch('/2')).toContain(bench.pageOf(kim));
    await bench.proxy.publish([]);
    expect(await bench.proxy.fetch('/2')).not.toContain(bench.pageOf(kim));
  });

  it('the proxy knows whether exactly the given routes are served', async () => {
    const [one, two] = [await route(1, 'ana', ana), await route(2, 'kim', kim)];
    expect(await bench.proxy.serves([])).toBe(false);
    await bench.proxy.publish([one]);
    expect(await bench.proxy.serves([one])).toBe(true);
    expect(await bench.proxy.serves([one, two])).toBe(false);
    expect(await bench.proxy.serves([])).toBe(false);
    await bench.proxy.publish([]);
    expect(await bench.proxy.serves([])).toBe(true);
  });

  it('the proxy says that there is no hosting at an unknown number', async () => {
    await bench.proxy.publish([await route(1, 'ana', ana)]);
    for (const unknown of ['/2', '/11', '/10'])
      expect(await bench.proxy.fetch(unknown)).toContain('There is no hosting at this address.');
  });

  it('the proxy says that a VM does not answer', async () => {
    await bench.proxy.publish([await route(1, 'quiet', silent)]);
    expect(await bench.proxy.fetch('/1')).toContain('This VM is not responding right now.');
  });

  it('the same routes can be published twice', async () => {
    const routes = [await route(1, 'ana', ana)];
    await bench.proxy.publish(routes);
    await bench.proxy.publish(routes);
    expect(await bench.proxy.fetch('/1')).toContain(bench.pageOf(ana));
  });

  it.each(['userId', 'username', 'sshPort'] as const)(
    'two routes with the same %s are refused, and the proxy serves on as before',
    async (key) => {
      const one = await route(1, 'ana', ana);
      await bench.proxy.publish([one]);
      const other = { ...(await route(2, 'kim', kim)), [key]: one[key] };
      await expect(bench.proxy.publish([one, other])).rejects.toMatchObject({
        name: 'EngineError',
        code: 'proxy_refused',
      });
      expect(await bench.proxy.fetch('/1')).toContain(bench.pageOf(ana));
      expect(await bench.proxy.fetch('/2')).not.toContain(bench.pageOf(kim));
      // and what comes next is not hindered
      await bench.proxy.publish([one, await route(2, 'kim', kim)]);
      expect(await bench.proxy.fetch('/2')).toContain(bench.pageOf(kim));
    },
  );
});
