/**
 * One create as one trace: from the request through its operation and steps to each of Terraform's commands. In
 * processes of their own: the exporter loads itself in a way that Jest does not have.
 */
import { setTimeout as delay } from 'node:timers/promises';
import request from 'supertest';
import { EngineError } from '../../engine/base/errors';
import { cloneDatabase } from '../support/postgres';
import { openReplicas, type Person, type Replica, type Replicas, signUp } from '../worlds/replicas';
import { strongSecrets } from '../worlds/fake-parts';
import { startService } from '../worlds/service';
import { type ReceivedSpan, startTraceReceiver, type TraceReceiver } from '../support/trace-receiver';
import { definitionOf } from '../support/definitions';

jest.setTimeout(120_000);

let receiver: TraceReceiver;
let replicas: Replicas;
beforeEach(async () => {
  receiver = await startTraceReceiver();
  replicas = await openReplicas();
});
afterEach(async () => {
  await replicas.close();
  await receiver.close();
});

const start = (role: 'all' | 'api' | 'worker', settings: Record<string, string> = {}): Promise<Replica> =>
  replicas.start(role, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...settings });

interface Answer {
  readonly status: number;
  readonly requestId: string | null;
  readonly operationId: string | undefined;
}

async function create(
  { port }: Replica,
  { token }: Person,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/host`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, ...headers },
  });
  const body = (await response.json()) as { data?: { operation: { id: string } } };
  return {
    status: response.status,
    requestId: response.headers.get('X-Request-Id'),
    operationId: body.data?.operation.id,
  };
}

const named =
  (name: string) =>
  (span: ReceivedSpan): boolean =>
    span.name === name;
const names = (spans: readonly ReceivedSpan[]): string[] => spans.map(({ name }) => name);
const logged = ({ lines }: Replica): Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a create', () => {
  it('a create is one trace: steps within the operation within the request, commands within their steps', async () => {
    const service = await start('all');
    const answer = await create(service, await signUp(service), {
      // a stranger does not choose under which id we trace, nor whether
      traceparent: '00-11111111111111111111111111111111-2222222222222222-00',
    });
    expect(answer.status).toBe(201);
    const root = await receiver.find(named('POST /api/v1/host'));
    const operation = await receiver.find(named('operation create-hosting'));

    expect(root).toMatchObject({ kind: 2, status: { code: 0 } });
    expect(root.parentSpanId).toBeUndefined();
    expect(root.traceId).not.toMatch(/^1+$/);
    expect(root.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/api/v1/host',
      'http.response.status_code': 201,
      'webhoster.request.id': answer.requestId,
      'webhoster.operation.id': answer.operationId,
    });
    expect(operation).toMatchObject({ kind: 5, parentSpanId: root.spanId, status: { code: 0 } });
    const hostingId = operation.attributes['webhoster.hosting.id'];
    expect(hostingId).toMatch(/^[0-9a-f-]{36}$/);
    expect(operation.attributes).toMatchObject({
      'webhoster.operation.id': answer.operationId,
      'webhoster.operation.kind': 'create-hosting',
      'webhoster.outcome': 'succeeded',
    });
    const steps = receiver.childrenOf(operation);
    expect(names(steps)).toEqual(
      definitionOf('create-hosting')
        .steps.filter(({ run }) => run !== undefined)
        .map(({ name }) => `step ${name}`),
    );
    for (const step of steps)
      expect(step.attributes).toMatchObject({
        'webhoster.operation.kind': 'create-hosting',
        'webhoster.outcome': 'done',
        'webhoster.hosting.id': hostingId,
      });
    const commandsOf = (step: string): string[] =>
      names(receiver.childrenOf(steps.find(named(`step ${step}`))!)).sort();
    expect(commandsOf('init')).toEqual(['terraform init']);
    expect(commandsOf('plan')).toEqual(['terraform plan', 'terraform showPlan', 'terraform showPlanText']);
    expect(commandsOf('apply')).toEqual(['terraform apply']);
    const ours = receiver.spans.filter(({ traceId }) => traceId === root.traceId);
    expect(ours).toHaveLength(1 + 1 + steps.length + 5);
    expect(root.resource).toMatchObject({ 'service.name': 'vm-webhoster' });

    // the log names it: in the request's line, and in those of its work
    const lines = logged(service).filter((line) => line.trace_id === root.traceId);
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'request', span_id: root.spanId, request_id: answer.requestId }),
    );
    for (const msg of ['operation begins', 'operation ends'])
      expect(lines).toContainEqual(expect.objectContaining({ msg, span_id: operation.spanId }));
  });

  it('a create keeps its trace when another process works on it, however much later', async () => {
    const api = await start('api');
    const { status } = await create(api, await signUp(api), { Prefer: 'respond-async' });
    expect(status).toBe(202);
    await api.stop();
    await start('worker', { OTEL_SERVICE_NAME: 'the-worker' });
    const last = await receiver.find(named('step ready'));
    const root = await receiver.find(named('POST /api/v1/host'));
    expect(last.traceId).toBe(root.traceId);
    expect([root.resource['service.name'], last.resource['service.name']]).toEqual([
      'vm-webhoster',
      'the-worker',
    ]);
  });

  it('a trace shows a failure’s code and its undos, and no text of any user or program', async () => {
    const service = await start('all', {
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of-the-receiver,x-tenant=us',
    });
    const user = await signUp(service);
    replicas.host.faults.fail('apply', new EngineError('apply_failed', 'words that only the log has'));
    expect((await create(service, user)).status).toBe(502);
    const operation = await receiver.find(named('operation create-hosting'));
    const root = await receiver.find(named('POST /api/v1/host'));
    expect(root).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': '502' } });
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
    const everything = receiver.bodies.join('\n');
    for (const secret of [
      ...[user.email, user.username, user.password, user.token, 'words that only the log has'],
      ...[strongSecrets.JWT_SECRET, strongSecrets.STATE_KEY, 'ssh-ed25519', 'PRIVATE KEY', '/tmp/'],
      'of-the-receiver',
    ])
      expect([secret, everything.includes(secret)]).toEqual([secret, false]);
    expect(receiver.headers[0]).toMatchObject({ authorization: 'Bearer of-the-receiver', 'x-tenant': 'us' });
    // nor are the headers in the log, whatever it tells
    expect(service.lines.join('')).not.toContain('of-the-receiver');
  });
});

describe('traces', () => {
  it('a trace is sampled as a whole: an unsampled request leaves its work out, too', async () => {
    const service = await start('all', { OTEL_TRACES_SAMPLER_ARG: '0' });
    expect((await create(service, await signUp(service))).status).toBe(201);
    const [row]: { trace_parent: string }[] = await replicas.database.direct.query(
      `SELECT trace_parent FROM operations`,
    );
    expect(row!.trace_parent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    await service.stop();
    expect(names(receiver.spans)).toEqual([]);
  });

  it('traces that nobody receives hold up nothing, and the log says so once', async () => {
    const service = await start('all');
    await receiver.close();
    expect((await create(service, await signUp(service))).status).toBe(201);
    const told = () => logged(service).filter(({ msg }) => String(msg).startsWith('traces cannot be sent'));
    for (let tries = 0; told().length === 0 && tries < 200; tries++) await delay(100);
    await create(service, await signUp(service));
    const begun = performance.now();
    await service.stop();
    expect(performance.now() - begun).toBeLessThan(8_000);
    expect(told()).toHaveLength(1);
    expect(told()[0]).not.toHaveProperty('trace_id');
    receiver = await startTraceReceiver();
  });

  it('tracing is off without an endpoint: no operation has a trace, and no log line names one', async () => {
    const service = await startService(await cloneDatabase());
    const { token } = await service.newUser();
    await request(service.app).post('/api/v1/host').set('Authorization', `Bearer ${token}`).expect(201);
    expect(await service.database.direct.query(`SELECT trace_parent FROM operations`)).toEqual([
      { trace_parent: null },
    ]);
    expect(service.lines.join('')).not.toContain('trace_id');
    await service.close();
  });
});
