/** Waking the caller's own hosting; a visit to its page does the same. */
import { asyncHeaders, awaitOperation, waitHeaders } from '../operation-wait';
import { defineRoute } from '../route';
import { wokenHosting } from '../schemas/hosting';
import { preferHeader } from '../schemas/terraform';
import { showHosting, showOperation } from '../views';

export const wakeMyHosting = defineRoute({
  name: 'wakeMyHosting',
  method: 'post',
  path: '/api/v1/host/my/wake',
  tag: 'Hosting',
  summary: 'Wake your hosting',
  description:
    'A visit to its page or a connection to its SSH port does the same. Waits like `POST /api/v1/host`.',
  auth: 'user',
  headers: preferHeader,
  responses: {
    200: { description: 'The hosting is awake', data: wokenHosting, headers: waitHeaders },
    202: { description: 'The hosting is still waking up', data: wokenHosting, headers: asyncHeaders },
  },
  // prettier-ignore
  failures: [
    'hosting_not_found', 'hosting_busy', 'vm_lost', 'node_full', 'memory_exhausted', 'libvirt_unavailable',
    'isolation_failed', 'proxy_refused', 'proxy_unreachable', 'cancelled', 'lease_lost',
  ],
  async handle(context) {
    const { engine, user, headers, language, answer } = context;
    const accepted = await engine.sleep.wake(user);
    if (accepted === null) {
      const hosting = showHosting(await engine.hostings.mine(user), language);
      return answer(200, { message: 'hosting_awake', data: { hosting, operation: null } });
    }
    const waited = await awaitOperation(context, accepted, headers.prefer);
    const data = {
      hosting: showHosting(await engine.hostings.mine(user), language),
      operation: showOperation(waited.operation, language),
    };
    return waited.done
      ? answer(200, { message: 'hosting_awake', data, headers: waited.headers })
      : answer(202, { message: 'hosting_waking', data, headers: waited.headers });
  },
});
