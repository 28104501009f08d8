/** libvirt by virsh: a command costs some 20 ms and needs no native binding. */
import { EngineError } from '../../base/errors';
import type { CommandResult } from '../../base/process';
import { METADATA_NAMESPACE } from '../../../stacks';
import { domainPower } from './domain-power';
import type { Inventory, Survey } from './inventory';
import { refuse, runVirsh } from './run-virsh';
import { withCloudInitImage } from './cloud-init-disk';
import {
  hostingDomain,
  markHeading,
  parseCapacity,
  parseDomainConfig,
  parseDomainList,
  parseMemory,
  parseMarks,
  parseReasons,
} from './virsh-output';

export function virshInventory(uri: string): Inventory {
  const virsh: Virsh = (...args) => runVirsh(uri, args);
  const { domains, volumesOf, poolsAndNetworks, survey, stateOf } = lists(virsh);

  return {
    find: async ({ domain, pool, volumes }) => {
      const [present, kept] = await Promise.all([domains(), volumesOf(pool)]);
      return {
        domain: domain !== null && present.includes(domain) ? domain : null,
        volumes: volumes.filter((name) => kept.includes(name)),
      };
    },
    removeDomain: async (name) => {
      if (!(await domains()).includes(name)) return;
      // one that is not running cannot be destroyed; whether it is gone is seen at the end
      await virsh('destroy', name);
      const result = await virsh('undefine', name, '--managed-save', '--snapshots-metadata', '--nvram');
      if ((await domains()).includes(name)) refuse(result);
    },
    removeVolume: async (pool, name) => {
      if (!(await volumesOf(pool)).includes(name)) return;
      const result = await virsh('vol-delete', name, '--pool', pool);
      if ((await volumesOf(pool)).includes(name)) refuse(result);
    },
    domainState: stateOf,
    ...domainPower((args, options) => runVirsh(uri, args, options), stateOf),
    survey,
    domainConfig: async (name) => {
      if (!(await domains()).includes(name)) return null;
      const xml = await virsh('dumpxml', '--inactive', name);
      return xml.code === 0 ? parseDomainConfig(xml.stdout) : refuse(xml);
    },
    nodeActive: async (pool, network) => {
      const [pools, networks] = await poolsAndNetworks();
      return pools.includes(pool) && networks.includes(network);
    },
    ...others(virsh, volumesOf),
    hypervisorGroup: async () => {
      const result = await virsh('capabilities');
      if (result.code !== 0) refuse(result);
      const dac = /<model>dac<\/model>[\s\S]*?<\/secmodel>/.exec(result.stdout)?.[0] ?? '';
      const group = /<baselabel[^>]*>\+\d+:\+(\d+)</.exec(dac)?.[1];
      return group === undefined ? undefined : Number(group);
    },
    version: async () => {
      // not virsh's `version`: it asks QEMU too, which libvirt may have to probe for seconds; this is asked all the time
      const answer = await virsh('uri');
      if (answer.code !== 0) refuse(answer);
      return `libvirt ${(await virsh('--version')).stdout.trim()}`;
    },
  };
}

type Virsh = (...args: string[]) => Promise<CommandResult>;

function others(
  virsh: Virsh,
  volumesOf: (pool: string) => Promise<string[]>,
): Pick<Inventory, 'rewriteCloudInit' | 'memory'> {
  return {
    rewriteCloudInit: async (pool, name, data) => {
      const info = await virsh('vol-info', name, '--pool', pool, '--bytes');
      if (info.code !== 0) {
        if ((await volumesOf(pool)).includes(name)) refuse(info);
        throw new EngineError('guest_unreachable', 'The virtual machine has lost its cloud-init disk');
      }
      await withCloudInitImage(data, parseCapacity(info.stdout), async (file) => {
        const result = await virsh('vol-upload', name, file, '--pool', pool);
        if (result.code !== 0) refuse(result);
      });
    },
    memory: async () => {
      const result = await virsh('nodememstats');
      return result.code === 0 ? parseMemory(result.stdout) : refuse(result);
    },
  };
}

/**
 * Linux takes no argument of more than 128 KiB, and a domain's mark is asked for by 75 bytes. By its standard input
 * virsh would take any number, but as from a person: with a prompt, what was typed, and a history in somebody's home.
 */
const commandsAtOnce = 1_000;

/** With it, one that is off is told from one that was saved. */
const everyDomain = ['list', '--all', '--managed-save'];

/**
 * What is absent is told by a list that was read to its end. A lookup that fails tells nothing: virsh gives the same
 * words for "there is none" and for "the connection was lost".
 */
function lists(virsh: Virsh) {
  const read = async (...args: string[]): Promise<string> => {
    const result = await virsh(...args);
    return result.code === 0 ? result.stdout : refuse(result);
  };
  const names = async (...args: string[]): Promise<string[]> =>
    (await read(...args)).split('\n').flatMap((line) => line.trim().split(/\s{2,}/)[0] || []);
  const volumesOf = async (pool: string): Promise<string[]> =>
    (await names('pool-list', '--all', '--name')).includes(pool) ? names('vol-list', pool) : [];
  // one virsh for many: it goes on after a domain that has no mark, or that went away meanwhile
  const marksOf = async (domains: readonly string[]): Promise<ReturnType<typeof parseMarks>> => {
    const ask = domains
      .filter((name) => hostingDomain.test(name))
      .map((name) => `echo ${markHeading}${name}; metadata ${name} --uri ${METADATA_NAMESPACE}`);
    let told = '';
    for (let from = 0; from < ask.length; from += commandsAtOnce)
      told += (await virsh(ask.slice(from, from + commandsAtOnce).join('; '))).stdout;
    return parseMarks(told);
  };
  // a pool that is off cannot be asked, and nothing in it is gone
  const surveyedVolumes = async (pool: string): Promise<string[] | null> =>
    (await names('pool-list', '--inactive', '--name')).includes(pool) ? null : volumesOf(pool);
  // as few as are paused
  const reasonsOf = async (
    domains: readonly { name: string; state: string }[],
  ): Promise<Map<string, string>> => {
    const paused = domains.filter(({ name, state }) => state === 'paused' && hostingDomain.test(name));
    const ask = paused.map(({ name }) => `echo ${markHeading}${name}; domstate ${name} --reason`);
    return ask.length === 0 ? new Map() : parseReasons((await virsh(ask.join('; '))).stdout);
  };
  return {
    domains: () => names('list', '--all', '--name'),
    stateOf: async (name: string): Promise<string | null> =>
      parseDomainList(await read(...everyDomain)).find((each) => each.name === name)?.state ?? null,
    volumesOf,
    poolsAndNetworks: () => Promise.all([names('pool-list', '--name'), names('net-list', '--name')]),
    survey: async (pool: string): Promise<Survey> => {
      const [present, volumes, transient] = await Promise.all([
        read(...everyDomain).then(parseDomainList),
        surveyedVolumes(pool),
        names('list', '--all', '--transient', '--name'),
      ]);
      const reasons = await reasonsOf(present);
      const marks = await marksOf(present.map((each) => each.name));
      const hostingId = (name: string): string | null => {
        const mark = marks.get(name);
        return mark?.pool === pool ? mark.hostingId : null;
      };
      const domains = present.map((each) => ({
        ...each,
        reason: reasons.get(each.name) ?? null,
        isTransient: transient.includes(each.name),
        hostingId: hostingId(each.name),
      }));
      return { domains, volumes };
    },
  };
}
