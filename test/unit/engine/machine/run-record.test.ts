import { clean, runRecord } from '../../../../engine/machine/terraform/run-record';
import type { TerraformEvent } from '../../../../engine/machine/terraform/terraform';

function event(type: string, address: string | null, message = type): TerraformEvent {
  return { level: type.endsWith('errored') ? 'error' : 'info', type, address, message };
}

it('a run’s record has the time of the whole run and of each resource, in the order they began', () => {
  let now = 1_000;
  const record = runRecord(() => now);
  record.take(event('apply_start', 'a'));
  now += 100;
  record.take(event('apply_start', 'b'));
  now += 50;
  record.take(event('apply_complete', 'b'));
  now += 150;
  record.take(event('apply_errored', 'a'));
  record.take(event('apply_start', 'never ends'));
  now += 10;
  expect(record.phases('apply')).toEqual([
    { phase: 'apply', startMs: 0, ms: 310 },
    { phase: 'apply a', startMs: 0, ms: 300 },
    { phase: 'apply b', startMs: 100, ms: 50 },
  ]);
});

it('a run’s record has each event as a line, with its level if it matters', () => {
  const record = runRecord();
  expect(record.take(event('apply_start', 'a', 'a: Creating...'))).toBe('a: Creating...\n');
  expect(record.take(event('apply_errored', 'a', 'a: no'))).toBe('error: a: no\n');
});

it('a run’s record leaves out colours and private keys', () => {
  const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----';
  expect(clean(`\u001b[31mno\u001b[0m ${key} after`)).toBe('no (private key) after');
  expect(clean('x -----BEGIN RSA PRIVATE KEY-----\ncut o')).toBe('x (private key)');
});
