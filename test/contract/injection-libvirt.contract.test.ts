/**
 * Libvirt and the texts of users. None reaches it: a hosting's specification has them in cloud-init's user data alone.
 * What a specification may hold beside them is defined in a real libvirt and read back; nothing is started.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { hostingSpec } from '../../engine/hostings';
import { getOwnedHosting } from '../../engine/store/hostings';
import { findNode } from '../../engine/store/stacks';
import { renderStack } from '../../stacks/render';
import type { HostingSpec } from '../../stacks';
import { domainXslt } from '../../stacks/xslt/domain';
import { hostile, likely, runs, sample, whole } from '../support/hostile';
import { sinkFile } from '../support/sink-file';
import { pooled, reportSink } from '../support/user-values';
import { openWorld } from '../worlds/world';
import { readFixture, readSpec, xsltproc } from '../unit/stacks/support';

const at = sinkFile();

describe('libvirt', () => {
  const prefix = `wht-injection-${process.pid}`;
  const uri = 'qemu:///system';
  const virsh = (input: string): string =>
    execFileSync('virsh', ['--connect', uri, '--quiet'], { input, maxBuffer: 1 << 29, encoding: 'utf8' });
  afterAll(() => {
    const left = virsh('list --all --name\n').match(new RegExp(`${prefix}\\S*`, 'g')) ?? [];
    if (left.length > 0) virsh(left.map((name) => `undefine ${name}\n`).join(''));
  });

  const spec = readSpec('hosting-direct-kernel');
  /** The provider's own XML of a domain, which Go's encoder has written, through the resource's stylesheet. */
  const domainOf = (changed: HostingSpec, name: string): string => {
    const { boot } = spec.image;
    const provided = readFixture('provider-domain.xml')
      .replace('>vm-1a2b3c4d<', `>${name}<`)
      .replace('<source network="webhoster">', `<source network="${changed.node.network}">`)
      .replace(
        /<kernel>.*<\/initrd>/s,
        boot.kind === 'disk' ? '' : `<kernel>${boot.kernel}</kernel><initrd>${boot.initrd}</initrd>`,
      )
      .replace('pc-i440fx-7.2', 'pc');
    return xsltproc(domainXslt(changed, '/pool/v.qcow2'), provided);
  };
  const readers = `
import json, re, sys, xml.etree.ElementTree as tree
out = []
for text in re.findall(r'<domain .*?</domain>', sys.stdin.read(), re.S):
    domain = tree.fromstring(text)
    mark = domain.find('metadata/{urn:vm-webhoster:hosting:1}hosting')
    port = domain.find('devices/interface')
    out.append({'name': domain.findtext('name'), 'pool': mark.get('pool'), 'id': mark.get('id'),
      'network': port.find('source').get('network'), 'filter': port.find('filterref').get('filter'),
      'ip': port.find('filterref/parameter').get('value'), 'cmdline': domain.findtext('os/cmdline'),
      'marks': len(domain.findall('metadata/*')), 'ports': len(domain.findall('devices/interface')),
      'disks': len(domain.findall('devices/disk')), 'children': sorted(each.tag for each in domain)})
json.dump(out, sys.stdout)
`;

  it('gives back every name that may stand in a specification, and the others are refused before', () => {
    const words = [...new Set([...pooled(), ...sample(likely(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/))])]
      .map(whole)
      .slice(0, runs);
    const passed = words.filter((word) => {
      try {
        renderStack({ ...spec, node: { ...spec.node, pool: word, network: word, filter: word } });
        return true;
      } catch (error) {
        expect((error as Error).message).toMatch(/^node\.(pool|network|filter): /);
        return false;
      }
    });
    expect(passed.length).toBeGreaterThan(runs / 6);
    expect(words.length - passed.length).toBeGreaterThan(runs / 6);
    const { boot } = spec.image;
    if (boot.kind === 'disk') throw new Error('the specification has no kernel');
    // four of them in each domain
    const domains = Array.from({ length: Math.ceil(passed.length / 4) }, (_, index) => {
      const [pool = 'p', network = 'n', filter = 'f', word = 'w'] = passed.slice(index * 4, index * 4 + 4);
      const cmdline = `console=ttyS0 ${word}`;
      const image = { ...spec.image, boot: { ...boot, cmdline } };
      const changed = { ...spec, node: { ...spec.node, pool, network, filter }, image };
      const name = `${prefix}-${index}`;
      const file = path.join(at.dir, `${name}.xml`);
      renderStack(changed);
      writeFileSync(file, domainOf(changed, name));
      return {
        name,
        file,
        expected: { name, pool, network, filter, cmdline, id: spec.hostingId, ip: spec.ip },
      };
    });
    const dumped = virsh(
      domains
        .map(({ name, file }) => `define ${file}\ndumpxml ${name} --inactive\nundefine ${name}\n`)
        .join(''),
    );
    const found = JSON.parse(
      execFileSync('python3', ['-c', readers], { input: dumped, maxBuffer: 1 << 28, encoding: 'utf8' }),
    ) as Record<string, unknown>[];
    const [{ children } = { children: [] }] = found;
    expect(found).toEqual(
      domains.map(({ expected }) => ({ ...expected, marks: 1, ports: 1, disks: 2, children })),
    );
    reportSink('libvirt-define-and-dumpxml', at.started, {
      values: words.length,
      accepted: passed.length,
      refused: words.length - passed.length,
      domains: domains.length,
    });
  });

  it('is never told a text of a user: a specification has it in cloud-init’s user data alone', async () => {
    const world = await openWorld();
    try {
      const { hosting } = await world.engine.hostings.create(await world.newUser(), {});
      const row = await getOwnedHosting(world.parts.database.direct, hosting.id);
      const node = (await findNode(world.parts.database.direct, row.node))!;
      const owner = (username: string, email: string) => ({
        ...{ id: 1, role: 'user' as const, createdAt: new Date(), username, email },
      });
      const specOf = (text: string): HostingSpec => {
        const labels = { [text]: text };
        return hostingSpec({ ...row, sshPublicKey: text, labels }, owner(text, text), node, world.config);
      };
      const { cloudInit, ...plain } = specOf('plain');
      for (const text of [...pooled(), ...sample(hostile)]) {
        const { cloudInit: told, ...rest } = specOf(text);
        expect([rest, told.metaData]).toEqual([plain, cloudInit.metaData]);
      }
    } finally {
      await world.close();
    }
  });
});
