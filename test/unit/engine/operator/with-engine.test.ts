/** Whatever a command starts for itself is stopped again, also where it gets no further. */
import type { Config } from '../../../../engine/base/config';
import { createLog } from '../../../../engine/base/log';
import { startPostgres, stopPostgres } from '../../../../engine/store/postgres';
import { connectParts } from '../../../../engine/start';
import { openEngine, withEngine } from '../../../../engine/operator/with-engine';

jest.mock('../../../../engine/store/postgres');
jest.mock('../../../../engine/start');
const started = jest.mocked(startPostgres);
const stopped = jest.mocked(stopPostgres);
const connect = jest.mocked(connectParts);

const config = {} as Config;
const log = createLog('silent');
let told: string[];

beforeEach(() => {
  told = [];
  started.mockResolvedValue(true);
  stopped.mockImplementation(() => Promise.resolve(void told.push('postgres stopped')));
  connect.mockResolvedValue({
    parts: {
      measures: { flush: () => Promise.resolve(void told.push('measures written')) },
      database: { close: () => Promise.resolve(void told.push('database closed')) },
    },
    bus: { close: () => Promise.resolve(void told.push('bus closed')) },
  } as never);
});
afterEach(() => jest.resetAllMocks());

it('a command stops the PostgreSQL that it started if it cannot connect', async () => {
  connect.mockRejectedValue(new Error('no Redis'));
  await expect(openEngine(config, log)).rejects.toThrow('no Redis');
  expect(told).toEqual(['postgres stopped']);
});

it('a command writes its measurements, closes and stops, also when its work fails', async () => {
  await expect(withEngine(config, log, () => Promise.reject(new Error('refused')))).rejects.toThrow(
    'refused',
  );
  expect(told).toEqual(['measures written', 'bus closed', 'database closed', 'postgres stopped']);
});

it('a command leaves a PostgreSQL running that ran before', async () => {
  started.mockResolvedValue(false);
  await (await openEngine(config, log)).close();
  expect(told).toEqual(['measures written', 'bus closed', 'database closed']);
});
