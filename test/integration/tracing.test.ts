/** One create as one trace: from the request through its operation and steps to each of Terraform's commands. */
import request from 'supertest';
import { EngineError } from '../../engine/errors';
import { createHosting } from '../../engine/operations/create-hosting';
import { cloneDatabase } from '../support/postgres';
import { type SignedInUser, startService, type TestService } from '../support/service';
import { type ReceivedSpan, startTraceReceiver, type TraceReceiver } from '../support/trace-receiver';

jest.setTimeout(60_000);

let receiver: TraceReceiver;
let services: TestService[] = [];
beforeEach(async () => {
  receiver = await startTraceReceiver();
});
afterEach(async () => {
  for (const service of services) await service.close();
  services = [];
  await receiver.close();
});

async function start(url: string, settings: Record<string, string> = {}): Promise<TestService> {
  const service = await startService(url, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...settings });
  services.push(service);
  return service;
}
const create = (service: TestService, { token }: SignedInUser, headers: Record<string, string> = {}) =>
  request(service.app)
    .post('/api/v1/host')
    .set({ Authorization: `Bearer ${token}`, ...headers })
    .send({});
const named =
  (name: string) =>
  (span: ReceivedSpan): boolean =>
    span.name === name;
const names = (spans: readonly ReceivedSpan[]): string[] => spans.map(({ name }) => name);

describe('a create', () => {
  it('is one trace: steps within the operation within the request, commands within their steps', async () => {
    const service = await start(await cloneDatabase());
    const answer = await create(service, await service.newUser(), {
      // a stranger does not choose under which id we trace, nor whether
      traceparent: '00-11111111111111111111111111111111-2222222222222222-00',
    }).expect(201);
    const root = await receiver.find(named('POST /api/v1/host'));
    await receiver.find(named('step ready'));
    const operationId = (answer.body as { data: { operation: { id: string } } }).data.operation.id;

    expect(root).toMatchObject({ kind: 2, status: { code: 0 } });
    expect(root.parentSpanId).toBeUndefined();
    expect(root.traceId).not.toMatch(/^1+$/);
    expect(root.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/api/v1/host',
      'http.response.status_code': 201,
      'webhoster.request.id': answer.headers['x-request-id'],
      'webhoster.operation.id': operationId,
    });
    const operation = await receiver.find(named('operation create-hosting'));
    expect(operation).toMatchObject({ kind: 5, parentSpanId: root.spanId });
    const hostingId = operation.attributes['webhoster.hosting.id'];
    expect(operation.attributes).toMatchObject({
      'webhoster.operation.id': operationId,
      'webhoster.operation.kind': 'create-hosting',
      'webhoster.outcome': 'succeeded',
    });
    const steps = receiver.childrenOf(operation);
    expect(names(steps)).toEqual(
      createHosting.steps.filter(({ run }) => run !== undefined).map(({ name }) => `step ${name}`),
    );
    for (const step of steps)
      expect(step.attributes).toMatchObject({
        'webhoster.operation.kind': 'create-hosting',
        'webhoster.outcome': 'done',
        'webhoster.hosting.id': hostingId,
      });
    const commandsOf = (step: string): string[] =>
      names(receiver.childrenOf(steps.find(named(`step ${step}`))!));
    expect(commandsOf('init')).toEqual(['terraform init']);
    expect(commandsOf('plan').sort()).toEqual([
      'terraform plan',
      'terraform showPlan',
      'terraform showPlanText',
    ]);
    expect(commandsOf('apply')).toEqual(['terraform apply']);
    const ours = receiver.spans.filter(({ traceId }) => traceId === root.traceId);
    expect(ours).toHaveLength(1 + 1 + steps.length + 5);
    expect(root.resource).toMatchObject({ 'service.name': 'vm-webhoster' });
  });

  it('keeps its trace when another process works on it, which is another service instance of the trace', async () => {
    const url = await cloneDatabase();
    const api = await start(url, { ROLE: 'api' });
    const user = await api.newUser();
    await create(api, user, { Prefer: 'respond-async' }).expect(202);
    const worker = await start(url, { ROLE: 'worker', OTEL_SERVICE_NAME: 'the-worker' });
    const last = await receiver.find(named('step ready'));
    const root = await receiver.find(named('POST /api/v1/host'));
    expect(last.traceId).toBe(root.traceId);
    expect([root.resource['service.name'], last.resource['service.name']]).toEqual([
      'vm-webhoster',
      'the-worker',
    ]);
    expect(worker.host.domains.size).toBe(1);
  });

  it('tells what failed by its code, with the way back, and what anybody wrote nowhere', async () => {
    const service = await start(await cloneDatabase(), {
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of-the-receiver,x-tenant=us',
    });
    const user = await service.newUser();
    service.host.faults.fail(
      'apply',
      new EngineError('apply_failed', 'words that only the log has', { cause: new Error('/etc/secret') }),
    );
    await create(service, user).expect(500);
    const operation = await receiver.find(named('operation create-hosting'));
    const root = await receiver.find(named('POST /api/v1/host'));
    expect(root).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': '500' } });
    expect(operation).toMatchObject({
      status: { code: 2 },
      attributes: { 'error.type': 'apply_failed', 'webhoster.outcome': 'failed' },
    });
    const failed = receiver.spans.filter(
      ({ status, name }) => status.code === 2 && /^(step|terraform)/.test(name),
    );
    expect(names(failed).sort()).toEqual(['step apply', 'terraform apply']);
    for (const { attributes, status, events } of failed) {
      expect(attributes['error.type']).toBe('apply_failed');
      expect([status.message ?? '', events]).toEqual(['', []]);
    }
    expect(names(receiver.childrenOf(operation))).toEqual(
      expect.arrayContaining(['undo apply', 'undo synthesize', 'undo reserve']),
    );
    const { host } = service;
    const everything = receiver.bodies.join('\n');
    for (const secret of [
      ...[user.email, user.user.username, user.password, user.token],
      ...['words that only the log has', '/etc/secret', service.config.DATA_DIR, 'of-the-receiver'],
      ...[service.config.JWT_SECRET, service.config.STATE_KEY, 'ssh-ed25519', 'PRIVATE KEY'],
    ])
      expect([secret, everything.includes(secret)]).toEqual([secret, false]);
    expect(host.remains()).toMatchObject({ domains: [], volumes: [] });
    expect(receiver.headers[0]).toMatchObject({ authorization: 'Bearer of-the-receiver', 'x-tenant': 'us' });
  });
});

describe('traces', () => {
  it('are named in the lines of the log', async () => {
    const service = await start(await cloneDatabase());
    await request(service.app).get('/api/v1/version').expect(200);
    const { traceId, spanId } = await receiver.find(named('GET /api/v1/version'));
    const line = service.lines.find((each) => each.includes('/api/v1/version'))!;
    expect(JSON.parse(line)).toEqual([
      expect.objectContaining({ trace_id: traceId, span_id: spanId }),
      'request',
    ]);
  });

  it('are kept whole or not at all: a request that is not sampled takes its work with it', async () => {
    const service = await start(await cloneDatabase(), { OTEL_TRACES_SAMPLER_ARG: '0' });
    await create(service, await service.newUser()).expect(201);
    const [row]: { trace_parent: string }[] = await service.database.direct.query(
      `SELECT trace_parent FROM operations`,
    );
    expect(row!.trace_parent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    await service.close();
    services = [];
    expect(names(receiver.spans).filter((name) => /host/.test(name))).toEqual([]);
  });

  it('hold nobody up when nobody takes them', async () => {
    const endpoint = receiver.endpoint;
    await receiver.close();
    const service = await startService(await cloneDatabase(), { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    await create(service, await service.newUser()).expect(201);
    const begun = performance.now();
    await service.close();
    expect(performance.now() - begun).toBeLessThan(8_000);
  });

  it('are off without an endpoint: no operation has one, and no line names one', async () => {
    const service = await startService(await cloneDatabase());
    services.push(service);
    await create(service, await service.newUser()).expect(201);
    expect(await service.database.direct.query(`SELECT trace_parent FROM operations`)).toEqual([
      { trace_parent: null },
    ]);
    expect(service.lines.join('')).not.toContain('trace_id');
  });
});
