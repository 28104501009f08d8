import { renderStack } from '../../../stacks/render';
import { golden, readSpec, specNames } from './support';

interface Rendered {
  variable: Record<string, { default: string; sensitive?: boolean }>;
  resource: Record<string, Record<string, Record<string, unknown>>>;
  terraform: unknown;
}

describe('renderStack', () => {
  it.each(specNames)('renders %s as the golden file', (name) => {
    const actual = renderStack(readSpec(name));
    expect(actual).toBe(golden(name, actual));
  });

  it.each(specNames)('renders %s to the same bytes twice', (name) => {
    expect(renderStack(readSpec(name))).toBe(renderStack(readSpec(name)));
  });

  it('does not depend on the order of the fields', () => {
    const spec = readSpec('hosting-disk');
    const reversed = Object.fromEntries(Object.entries(spec).reverse()) as unknown as typeof spec;
    expect(renderStack(reversed)).toBe(renderStack(spec));
  });

  it('keeps state in the workspace and pins the provider', () => {
    const { terraform } = JSON.parse(renderStack(readSpec('node-open'))) as Rendered;
    expect(terraform).toEqual({
      backend: { local: { path: 'terraform.tfstate' } },
      required_providers: { libvirt: { source: 'dmacvicar/libvirt', version: '0.8.3' } },
    });
  });

  it('carries user data unchanged, as a variable that is printed nowhere', () => {
    const spec = readSpec('hosting-disk');
    const { variable, resource } = JSON.parse(renderStack(spec)) as Rendered;
    expect(variable['user_data']).toEqual({
      default: spec.cloudInit.userData,
      sensitive: true,
      type: 'string',
    });
    expect(resource['libvirt_cloudinit_disk']!['cidata']!['user_data']).toBe('${var.user_data}');
  });

  it('leaves reservations to the network: a domain that asks for an address would leave one behind', () => {
    const { resource } = JSON.parse(renderStack(readSpec('hosting-direct-kernel'))) as Rendered;
    const [card] = resource['libvirt_domain']!['vm']!['network_interface'] as Record<string, unknown>[];
    expect(card).toEqual({ mac: '52:54:00:5a:00:0a', network_name: 'webhoster', wait_for_lease: false });
  });

  it('has one that sleeps off, and not started with the machine; nothing else of it differs', () => {
    const spec = readSpec('hosting-disk');
    const vm = (change: object): Record<string, unknown> =>
      (JSON.parse(renderStack({ ...spec, ...change })) as Rendered).resource['libvirt_domain']!['vm']!;
    expect(vm({})).toMatchObject({ running: true, autostart: true });
    expect(vm({ asleep: true })).toEqual({ ...vm({}), running: false, autostart: false });
    expect(renderStack({ ...spec, asleep: false })).toBe(renderStack(spec));
    expect(() => renderStack({ ...spec, asleep: 'yes' as never })).toThrow('asleep: must be true or false');
  });

  it('makes a node of 10,000 addresses in one go', () => {
    const spec = readSpec('node-none');
    const reservations = Array.from({ length: 10_000 }, (_, index) => {
      const [high, low] = [Math.floor((index + 10) / 256), (index + 10) % 256];
      const hex = [high, low].map((octet) => octet.toString(16).padStart(2, '0')).join(':');
      return { ip: `10.96.${high.toString()}.${low.toString()}`, mac: `52:54:00:60:${hex}` };
    });
    const rendered = renderStack({
      ...spec,
      network: { ...spec.network, cidr: '10.96.0.0/16', reservations },
    });
    const { variable } = JSON.parse(rendered) as Rendered;
    expect(variable['network_xslt']!.default.match(/<host /g)).toHaveLength(10_000);
    expect(rendered).toContain('"dhcp-lease-max",\n              "option_value": "10000"');
  });
});
