/** What a failed Terraform run means. The words are the tools' own. */
import { terraformFailure } from '../../../../engine/machine/terraform/failure';

function run(code: number | null, error: string, stderr = '') {
  const line = JSON.stringify({ '@level': 'error', '@message': `Error: ${error}`, type: 'diagnostic' });
  return { code, stdout: `${line}\n`, stderr, ms: 1 };
}

it.each<[string, string, boolean]>([
  [
    'error while starting the creation of domain: Cannot recv data: End of file while reading data',
    'libvirt_unavailable',
    true,
  ],
  [
    'failed to dial libvirt: dial unix /var/run/libvirt/libvirt-sock: connect: connection refused',
    'libvirt_unavailable',
    true,
  ],
  [
    'failed to connect: dial unix /var/run/libvirt/libvirt-sock: connect: no such file or directory',
    'libvirt_unavailable',
    true,
  ],
  ['write unix @->/run/libvirt/libvirt-sock: write: broken pipe', 'libvirt_unavailable', true],
  ['Plugin did not respond: The plugin encountered an error', 'apply_failed', true],
  [
    'Request cancelled: The plugin6.(*GRPCProvider).ApplyResourceChange request was cancelled.',
    'apply_failed',
    true,
  ],
  ['rpc error: code = Unavailable desc = transport is closing', 'apply_failed', true],
  ['error creating libvirt volume: cannot write: No space left on device', 'disk_full', false],
  ["storage volume 'x.qcow2' exists already", 'apply_failed', false],
])('Terraform’s message "%s" means %s, retryable: %s', (story, code, retryable) => {
  const error = terraformFailure('apply_failed', 'Terraform could not apply the plan', run(1, story));
  expect(error).toMatchObject({ code, retryable });
  expect(error.message).not.toContain(story);
  expect((error.cause as Error).message).toContain(story);
});

it('a Terraform that was killed is worth a retry', () => {
  expect(terraformFailure('apply_failed', 'no', { code: null, stdout: '', stderr: '', ms: 1 })).toMatchObject(
    {
      code: 'apply_failed',
      retryable: true,
    },
  );
});

it('every failed plan is worth a retry', () => {
  expect(terraformFailure('plan_failed', 'no', run(1, 'anything'))).toMatchObject({
    code: 'plan_failed',
    retryable: true,
  });
});
