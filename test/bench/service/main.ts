/** API and worker in a process of their own, as the service runs them, with fakes for what makes VMs. */
import { startHttpServer } from '../../../api/http-server';
import { loadConfig } from '../../../engine/base/config';
import { createLog } from '../../../engine/base/log';
import { startEngine } from '../../../engine/start';
import { benchHost } from './bench-host';
import { readyNode } from './ready-node';

/** What the process tells its parent. */
export type Told =
  | { readonly kind: 'ready' }
  | { readonly kind: 'page'; readonly ip: string; readonly page: string | null }
  | { readonly kind: 'booting'; readonly most: number };

async function main(): Promise<void> {
  const tell = (told: Told): void => void process.send?.(told);
  const config = loadConfig();
  const log = createLog(config.LOG_LEVEL);
  const host = benchHost({
    bootMs: Number(process.env.BENCH_BOOT_MS ?? '0'),
    tell: (ip, page) => {
      tell({ kind: 'page', ip, page });
    },
  });
  await readyNode(config);
  const engine = await startEngine(config, log, host.parts);
  await startHttpServer({ engine, config, logger: log }, { host: config.API_HOST, port: config.API_PORT });
  process.on('message', () => {
    tell({ kind: 'booting', most: host.booting().most });
  });
  process.on('SIGTERM', () => void engine.close().then(() => process.exit(0)));
  tell({ kind: 'ready' });
}

main().catch((thrown: unknown) => {
  console.error(thrown);
  process.exit(1);
});
