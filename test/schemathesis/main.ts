/**
 * Asks the whole HTTP interface what Schemathesis derives from its own OpenAPI document, as a stranger, as a user and as
 * an administrator: no 5xx, no answer that is not documented, no login that is ignored. Everything is real but the
 * machine underneath. Exit codes: 0 all operations passed for all callers, 1 not, 2 usage.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { cloneDatabase, startTestServer, stopTestServer } from '../support/postgres';
import { startService, type TestService } from '../worlds/service';
import { findSchemathesis } from './install';
import { countsOf, type Counts } from './junit';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    as: { type: 'string', multiple: true, default: ['stranger', 'user', 'admin'] },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
  },
});

/** Ends the session that every later case of the run needs; a stranger asks it as well. */
const endsTheRun = 'logout';

/** Whoever ends the run early still gets everything taken away. */
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

async function main(): Promise<void> {
  const program = await findSchemathesis();
  const postgres = await startTestServer();
  process.env.TEST_POSTGRES = JSON.stringify(postgres);
  try {
    const total: Counts = { passed: 0, failed: 0 };
    for (const caller of values.as) {
      const started = performance.now();
      const { passed, failed } = await examine(program, caller);
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      console.log(`${caller}: ${passed} operations passed, ${failed} failed  ${seconds} s`);
      total.passed += passed;
      total.failed += failed;
    }
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(total));
    console.log(
      `${total.passed} passed, ${total.failed} failed (up to ${values.cases} cases each, seed ${values.seed})`,
    );
    process.exitCode = total.failed === 0 ? 0 : 1;
  } finally {
    await stopTestServer(postgres);
  }
}

/** One caller, with a database and a service of its own. */
async function examine(program: string, caller: string): Promise<Counts> {
  const service = await startService(await cloneDatabase(), { REQUEST_WAIT_SECONDS: '5' });
  const server = createServer(service.app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const report = mkdtempSync(path.join(tmpdir(), 'webhoster-schemathesis-'));
  try {
    const code = await run(program, [
      ...['--config-file', path.join(process.cwd(), 'test/schemathesis/schemathesis.toml')],
      'run',
      `http://127.0.0.1:${port}/openapi.json`,
      ...['--checks', 'all', '--max-examples', values.cases, '--seed', values.seed],
      ...['--request-timeout', '30', '--continue-on-failure', '--workers', '1'],
      ...['--report-junit-path', path.join(report, 'junit.xml')],
      ...values.only.flatMap((name) => ['--include-operation-id', name]),
      ...(await identity(service, caller)),
    ]);
    const counts = countsOf(readFileSync(path.join(report, 'junit.xml'), 'utf8'));
    // a run that names no failure and still fails is one
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    server.closeAllConnections();
    server.close();
    await service.close();
    rmSync(report, { recursive: true, force: true });
  }
}

async function identity(service: TestService, caller: string): Promise<string[]> {
  if (caller === 'stranger') return [];
  const { token } = await service.newUser(caller === 'admin' ? 'admin' : 'user');
  return ['--header', `Authorization: Bearer ${token}`, '--exclude-operation-id', endsTheRun];
}

async function run(program: string, argv: readonly string[]): Promise<number> {
  // its example database and reports go where nobody keeps them
  const cwd = mkdtempSync(path.join(tmpdir(), 'webhoster-schemathesis-'));
  const child = spawn(program, argv, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  const end = (): void => void child.kill();
  stop.signal.addEventListener('abort', end);
  const [code] = (await once(child, 'close')) as [number | null];
  stop.signal.removeEventListener('abort', end);
  rmSync(cwd, { recursive: true, force: true });
  stop.signal.throwIfAborted();
  return code ?? 1;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
