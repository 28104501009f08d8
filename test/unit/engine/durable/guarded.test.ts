import { guarded, tracedPort } from '../../../../engine/durable/guarded';
import { noTracing } from '../../../../engine/base/tracing';

const calls: string[] = [];
const port = {
  look: (): Promise<string> => Promise.resolve('seen'),
  remove: (name: string): Promise<void> => Promise.resolve(void calls.push(name)),
};

it('a guarded port checks the lease before an irreversible call, and does not begin it without the lease', async () => {
  let held = true;
  const safe = guarded(port, ['remove'], () => {
    if (!held) throw new Error('lost');
  });
  await safe.remove('a');
  held = false;
  await expect(safe.remove('b')).rejects.toThrow('lost');
  expect(await safe.look()).toBe('seen');
  expect(calls).toEqual(['a']);
});

it('a traced port makes each call its own span', async () => {
  const begun: unknown[] = [];
  const tracing: typeof noTracing = {
    ...noTracing,
    begin: (name, options) => {
      begun.push([name, options?.attributes]);
      return noTracing.begin(name);
    },
  };
  const seen = tracedPort(port, ['look'], { tracing, name: 'terraform' });
  expect(await seen.look()).toBe('seen');
  await seen.remove('a');
  expect(begun).toEqual([['terraform look', { 'webhoster.terraform.command': 'look' }]]);
});
