/** What a worker says of the parts that only it reaches, and what an API without them makes of it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ComponentHealth } from '../../engine/model/metrics';
import { health, reportWorker } from '../../engine/monitoring';
import { freshReports, recordReport } from '../../engine/store/worker-reports';
import { openWorld, type World } from '../worlds/world';
import { until } from '../worlds/system';
import { reportedAgo } from '../support/rows';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const sql = <T>(text: string): Promise<T[]> => world.parts.database.direct.query(text) as Promise<T[]>;
const ofApi = (): Promise<readonly ComponentHealth[]> =>
  health({ ...world.parts, config: { ...world.config, ROLE: 'api' } }).detailed();
const fresh = async (): Promise<string[]> =>
  (await freshReports(world.parts.database.direct)).map(({ worker }) => worker);

it('an API process shows a worker’s report while the worker lives, and no longer', async () => {
  const look = { name: 'sweep', seconds: 1, intervalSeconds: 5, found: '2 findings', failure: null };
  const { stop } = reportWorker(world.parts, () => [look]);
  const alive = path.join(world.config.DATA_DIR, 'run/worker.alive');
  await until(5_000, 'the worker reports', () => Promise.resolve(existsSync(alive)));
  const told = (await ofApi()).map(({ name }) => name);
  expect(told).toEqual([
    'postgres',
    'queue',
    'reconcilers',
    'libvirt',
    'network',
    'vms',
    'nginx',
    'terraform',
    'disk',
  ]);
  expect((await ofApi()).find(({ name }) => name === 'libvirt')).toMatchObject({
    status: 'ok',
    detail: 'libvirt 0.0.0-fake',
  });
  expect((await ofApi()).find(({ name }) => name === 'reconcilers')).toMatchObject({
    status: 'ok',
    detail: '1 look regularly; sweep: 2 findings',
  });
  stop();
  await until(5_000, 'its report is gone', async () => (await fresh()).length === 0);
  for (const part of ['libvirt', 'reconcilers'])
    expect((await ofApi()).find(({ name }) => name === part)?.status).toBe('down');
});

it('a worker’s report is old after 30 s by the database’s clock, and deleted after an hour', async () => {
  const report = (worker: string): Promise<void> =>
    recordReport(world.parts.database.direct, { worker, components: [], machine: null, looks: null });
  const { direct } = world.parts.database;
  await report('one');
  await report('other');
  expect(await fresh()).toEqual(['other', 'one']);
  await reportedAgo(direct, 'one', '29 s');
  expect(await fresh()).toEqual(['other', 'one']);
  await reportedAgo(direct, 'one', '31 s');
  expect(await fresh()).toEqual(['other']);
  await report('one');
  expect(await fresh()).toEqual(['one', 'other']);
  await reportedAgo(direct, 'other', '61 min');
  await report('one');
  expect(await sql(`SELECT worker FROM worker_reports`)).toEqual([{ worker: 'one' }]);
});
