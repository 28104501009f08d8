/** Words of libvirt 9 to 11, as the provider passes them on. */
import { EngineError } from '../../../../engine/base/errors';
import { namedObstacle } from '../../../../engine/node/obstacles';

const names = { POOL_NAME: 'vm-webhoster', NETWORK_NAME: 'vm-webhoster' };
const failed = (story: string): EngineError =>
  new EngineError('apply_failed', 'Terraform could not apply the plan', { cause: new Error(story) });

it.each([
  [
    'error creating libvirt network: internal error: Network is already in use by interface virbr-webhost',
    ['interface virbr-webhost', 'ip link delete virbr-webhost', 'NETWORK_CIDR'],
  ],
  [
    "error defining libvirt network: internal error: bridge name 'virbr-webhost' already in use.",
    ['virsh net-list --all', 'NETWORK_BRIDGE'],
  ],
  [
    "operation failed: network 'vm-webhoster' already exists with uuid 11111111-1111-4111-8111-111111111111",
    ['virsh net-destroy vm-webhoster', 'NETWORK_NAME'],
  ],
  [
    "operation failed: pool 'vm-webhoster' already exists with uuid 11111111-1111-4111-8111-111111111111",
    ['virsh pool-destroy vm-webhoster', 'POOL_NAME'],
  ],
  ["operation failed: Storage source conflict with pool: 'images'", ['pool images', 'POOL_DIR']],
])('the error of node prepare says what to do about: %s', (story, words) => {
  const told = namedObstacle(names, failed(`Error: ${story}`)) as EngineError;
  expect(told.code).toBe('apply_failed');
  for (const word of words) expect(told.message).toContain(word);
  expect(String(told.cause)).toContain(story);
});

it('an unknown error of node prepare is passed on', () => {
  const other = failed('something else');
  expect(namedObstacle(names, other)).toBe(other);
  const elsewhere = new EngineError('plan_failed', 'x', { cause: new Error("network 'a' already exists") });
  expect(namedObstacle(names, elsewhere)).toBe(elsewhere);
});
