/** A real plan of Terraform's, and what others get to see of it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { foundDrift, maskedPlan, plannedChanges } from '../../../../engine/machine/terraform/plan-view';
import type { TerraformPlan } from '../../../../engine/machine/terraform/terraform';

const canary = 'canary-of-the-guests-private-host-key';
const plan = JSON.parse(
  readFileSync(path.join(__dirname, '../../../fixtures/terraform/create-plan.json'), 'utf8'),
) as TerraformPlan;

it('the plan of these tests holds the secret in many places', () => {
  expect(JSON.stringify(plan).split(canary).length - 1).toBeGreaterThanOrEqual(4);
});

it('a plan’s view shows no sensitive value, and everything else as it was', () => {
  const shown = JSON.parse(JSON.stringify(maskedPlan(plan))) as Record<string, unknown>;
  expect(JSON.stringify(shown)).not.toContain(canary);
  expect(Object.keys(shown).sort()).toEqual(Object.keys(plan).sort());
  const resources = (shown as TerraformPlan).resource_changes ?? [];
  const iso = resources.find(({ type }) => type === 'libvirt_cloudinit_disk');
  expect(iso?.change.after).toMatchObject({ user_data: '(sensitive)', pool: 'webhoster' });
  expect(resources.find(({ type }) => type === 'libvirt_domain')?.change).toEqual(
    plan.resource_changes?.find(({ type }) => type === 'libvirt_domain')?.change,
  );
});

it('a plan’s summary names what is created', () => {
  expect(plannedChanges(plan)).toEqual([
    {
      address: 'libvirt_cloudinit_disk.cidata',
      type: 'libvirt_cloudinit_disk',
      action: 'create',
      attributes: [],
    },
    { address: 'libvirt_domain.vm', type: 'libvirt_domain', action: 'create', attributes: [] },
    { address: 'libvirt_volume.root', type: 'libvirt_volume', action: 'create', attributes: [] },
  ]);
  expect(foundDrift(plan)).toEqual([]);
});

it('a plan’s summary says what differs and what forces a replacement, and nothing secret', () => {
  const resource = {
    address: 'libvirt_domain.vm',
    mode: 'managed' as const,
    type: 'libvirt_domain',
    name: 'vm',
    provider_name: 'p',
    change: {
      actions: ['delete', 'create'] as const,
      before: { memory: 256, name: 'vm', id: 'x', key: 'old secret', disk: [{ a: 1 }] },
      after: { memory: 128, name: 'vm', key: 'new secret', disk: [{ a: 1 }] },
      after_unknown: { id: true, disk: [{}] },
      before_sensitive: { key: true },
      after_sensitive: { key: true },
      replace_paths: [['memory']],
    },
  };
  expect(plannedChanges({ resource_changes: [resource] })).toEqual([
    {
      address: 'libvirt_domain.vm',
      type: 'libvirt_domain',
      action: 'replace',
      attributes: [
        { name: 'id', before: 'x', after: null, unknown: true, forcesReplace: false },
        { name: 'key', before: '(sensitive)', after: '(sensitive)', unknown: false, forcesReplace: false },
        { name: 'memory', before: 256, after: 128, unknown: false, forcesReplace: true },
      ],
    },
  ]);
  expect(foundDrift({ resource_drift: [resource] })[0]?.action).toBe('replace');
});

it('a plan’s summary leaves out reads and unchanged resources', () => {
  const change = { before: {}, after: {} };
  const of = (actions: ('no-op' | 'read')[], mode: 'managed' | 'data') => ({
    address: 'a',
    mode,
    type: 't',
    name: 'n',
    provider_name: 'p',
    change: { ...change, actions },
  });
  expect(plannedChanges({ resource_changes: [of(['no-op'], 'managed'), of(['read'], 'data')] })).toEqual([]);
});
