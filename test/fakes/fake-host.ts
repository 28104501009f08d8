/**
 * A libvirt host, a Terraform, a network and an Nginx in memory, behaving like the real ones as far as the contract
 * suites tell, able to fail on command, and quick enough for hundreds of hostings.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError } from '../../engine/base/errors';
import type { Guest } from '../../engine/machine/guest/guest';
import type { Isolation } from '../../engine/machine/isolation/isolation';
import type { Agent } from '../../engine/machine/libvirt/agent';
import type { DomainConfig, Inventory } from '../../engine/machine/libvirt/inventory';
import type { Virtualization } from '../../engine/machine/libvirt/virtualization';
import type { HeldPort, Proxy, Route } from '../../engine/machine/nginx/proxy';
import type { Synthesizer } from '../../engine/machine/terraform/synthesizer';
import type { Traffic } from '../../engine/machine/nginx/traffic';
import type { Terraform, TerraformCall, TerraformPlan } from '../../engine/machine/terraform/terraform';
import { checkSpec } from '../../stacks';
import type { NodeState } from '../../engine/machine/host/node-care';
import { Faults } from './faults';
import { fakeNodeCare } from './fake-node';
import {
  nodePart,
  readPlan,
  readSpec,
  readState,
  refused,
  report,
  type Resource,
  resourcesOf,
  sizes,
  writeState,
} from './fake-workspace';

export class FakeHost {
  readonly faults = new Faults();
  /** Domain name -> state. */
  readonly domains = new Map<string, string>();
  /** Domain name -> the hosting that its mark names, and the pool of the installation that made it. */
  readonly marks = new Map<string, { hostingId: string; pool: string }>();
  /** Domain name -> what it will have at its next start. */
  readonly configs = new Map<string, DomainConfig>();
  /** pool/name of every volume. */
  readonly volumes = new Set<string>();
  /** SSH ports that another program holds. */
  heldPorts: HeldPort[] = [];
  /** IP -> the page that its web server serves. */
  readonly pages = new Map<string, string>();
  /** IP -> the SSH host key that it shows; where there is none, one that follows from the address. */
  readonly hostKeys = new Map<string, string>();
  /** Domain name -> its address. */
  readonly addresses = new Map<string, string>();
  /** pool/name of a cloud-init disk -> the user data on it. */
  readonly userData = new Map<string, string>();
  /** pool/name of a cloud-init disk -> its bytes, where they are few. */
  readonly room = new Map<string, number>();
  /** Domains that were started from their saved memory. */
  readonly restored: string[] = [];
  /** Domain name -> what its clock was last set to. */
  readonly clocks = new Map<string, Date>();
  /** Domains that run without a definition. */
  readonly transient = new Set<string>();
  /** Domain name -> why it is paused; `user` where nothing is said. */
  readonly reasons = new Map<string, string>();
  /** Addresses that nothing answers for. */
  readonly silent = new Set<string>();
  /** How the machine differs from one that is in order. */
  readonly node: { state: Partial<NodeState> } = { state: {} };
  /** Addresses that somebody is connected to. */
  readonly connected = new Set<string>();
  /** Address -> when its last visit ended, in ms. */
  readonly visits = new Map<string, number>();
  freeMiB = 1_000_000_000;
  /** Pools and networks that are there and active, as `pool NAME` and `network NAME`. */
  readonly active = new Set(['pool vm-webhoster', 'network vm-webhoster']);
  /** Filters and tables of rules that are in place. */
  readonly fences = new Set<string>();
  routes: readonly Route[] = [];
  publishes = 0;
  /** False until the first publish. */
  serving = false;

  readonly synthesizer: Synthesizer = {
    synthesize: async (spec) => {
      await this.faults.at('synthesize');
      // as the real one: what is not allowed is not rendered
      checkSpec(spec);
      return JSON.stringify(spec);
    },
  };

  readonly terraform: Terraform = {
    init: (call) => this.faults.at('init', call.signal),
    forget: (call, addresses) => {
      const { serial, resources } = readState(call);
      writeState(call, {
        serial: serial + 1,
        resources: resources.filter((each) => !addresses.includes(each.address)),
      });
      return Promise.resolve();
    },
    plan: async (call, { planFile, intent, replace = [] }) => {
      await this.faults.at(intent === 'destroy' ? 'plan-destroy' : 'plan', call.signal);
      const wanted = intent === 'destroy' ? [] : resourcesOf(readSpec(call, 'plan_failed'));
      // a plan looks again at what the state knows
      const known = readState(call).resources.filter((each) => this.exists(each));
      const plan = {
        create: wanted.filter(
          (each) => replace.includes(each.address) || !known.some((other) => other.address === each.address),
        ),
        remove: known.filter(
          (each) => replace.includes(each.address) || !wanted.some((other) => other.address === each.address),
        ),
        serial: readState(call).serial,
      };
      writeFileSync(path.join(call.workspace, planFile), JSON.stringify(plan));
      return plan.create.length + plan.remove.length > 0;
    },
    showPlan: async (call, planFile) => {
      await this.faults.at('show', call.signal);
      return this.describePlan(call, planFile);
    },
    showPlanText: async (call, planFile) => {
      await this.faults.at('show', call.signal);
      const { create, remove } = readPlan(call, planFile, 'plan_failed');
      if (create.length + remove.length === 0)
        return 'No changes. Your infrastructure matches the configuration.';
      return [
        ...create.map(({ address }) => `+ ${address}`),
        ...remove.map(({ address }) => `- ${address}`),
      ].join('\n');
    },
    apply: async (call, planFile) => {
      const plan = readPlan(call, planFile, 'apply_failed');
      if (plan.serial !== readState(call).serial) throw refused('apply_failed', 'Saved plan is stale');
      const verb = plan.remove.length > 0 ? 'destroy' : 'apply';
      await this.faults.at(verb, call.signal);
      for (const resource of plan.create) await this.make(call, resource);
      for (const resource of [...plan.remove].reverse()) await this.unmake(call, resource);
      await this.faults.at(`${verb}-end`, call.signal);
    },
    version: () => Promise.resolve('Terraform 0.0.0-fake'),
    provider: () => Promise.resolve('0.0.0+fake'),
  };

  readonly inventory: Inventory = {
    find: async ({ domain, pool, volumes }) => {
      await this.faults.at('inventory');
      return {
        domain: domain !== null && this.domains.has(domain) ? domain : null,
        volumes: volumes.filter((name) => this.volumes.has(`${pool}/${name}`)),
      };
    },
    removeDomain: (name) => {
      this.domains.delete(name);
      return Promise.resolve();
    },
    removeVolume: (pool, name) => {
      this.volumes.delete(`${pool}/${name}`);
      return Promise.resolve();
    },
    survey: async (pool) => {
      await this.faults.at('inventory');
      const prefix = `${pool}/`;
      return {
        domains: [...this.domains].map(([name, state]) => {
          const mark = this.marks.get(name);
          return {
            ...{ name, state, hostingId: mark?.pool === pool ? mark.hostingId : null },
            reason: state === 'paused' ? (this.reasons.get(name) ?? 'user') : null,
            isTransient: this.transient.has(name),
          };
        }),
        volumes: [...this.volumes]
          .filter((name) => name.startsWith(prefix))
          .map((name) => name.slice(prefix.length)),
      };
    },
    rewriteCloudInit: async (pool, name, { userData }) => {
      await this.faults.at('rewrite');
      const room = this.room.get(`${pool}/${name}`) ?? Infinity;
      if (!this.volumes.has(`${pool}/${name}`) || userData.length > room)
        throw new EngineError('guest_unreachable', 'The virtual machine has lost its cloud-init disk');
      this.userData.set(`${pool}/${name}`, userData);
    },
    memory: () => Promise.resolve({ totalMiB: 1_000_000_000, freeMiB: this.freeMiB }),
    domainConfig: (name) =>
      Promise.resolve(
        this.domains.has(name) ? (this.configs.get(name) ?? { memoryMiB: 32, vcpus: 1 }) : null,
      ),
    domainState: (name) => Promise.resolve(this.domains.get(name) ?? null),
    save: async (name, signal) => {
      await this.faults.at('save', signal);
      if (this.stateOf(name) === 'running') this.domains.set(name, 'saved');
      await this.faults.at('saved', signal);
    },
    start: async (name, signal) => {
      await this.faults.at('start', signal);
      if (this.stateOf(name) === 'saved') this.restored.push(name);
      this.domains.set(name, 'running');
      await this.faults.at('started', signal);
    },
    forgetSaved: (name) => {
      if (this.domains.get(name) === 'saved') this.domains.set(name, 'shut off');
      return Promise.resolve();
    },
    nodeActive: async (pool, network) => {
      await this.faults.at('inventory');
      return this.active.has(`pool ${pool}`) && this.active.has(`network ${network}`);
    },
    hypervisorGroup: () => Promise.resolve(undefined),
    version: async () => {
      await this.faults.at('inventory');
      return 'libvirt 0.0.0-fake';
    },
  };

  readonly isolation: Isolation = {
    put: async ({ filter, table }) => {
      await this.faults.at('fence');
      const missing = !this.fences.has(filter) || !this.fences.has(table);
      this.fences.add(filter).add(table);
      return missing;
    },
    remove: async ({ filter, table }) => {
      await this.faults.at('unfence');
      this.fences.delete(filter);
      this.fences.delete(table);
    },
    supportedLimits: () => Promise.resolve({ cpuShares: 1024, network: false }),
  };

  readonly nodeCare = fakeNodeCare(this);

  readonly guest: Guest = {
    isThere: (ip) => Promise.resolve(!this.silent.has(ip)),
    servesPage: async (ip, marker) => {
      await this.faults.at('page');
      return (this.isUp(ip) && this.pages.get(ip)?.includes(marker)) ?? false;
    },
    answers: (ip) => Promise.resolve(this.isUp(ip) && this.pages.has(ip)),
    sshHostKeys: async (ip) => {
      await this.faults.at('ssh');
      const key = this.hostKeys.get(ip) ?? `ssh-ed25519 ${Buffer.from(ip).toString('base64')}`;
      return this.isUp(ip) && this.pages.has(ip) ? [key] : [];
    },
  };

  /** Does what scripts of ours would do to a guest: takes the page that is in them, and makes another host key. */
  readonly agent: Agent = {
    run: async (domain, script, { signal }) => {
      await this.faults.at('agent', signal);
      const ip = this.addresses.get(domain);
      if (ip === undefined || this.domains.get(domain) !== 'running')
        throw new EngineError('guest_unreachable', 'The virtual machine does not respond');
      const page = pageIn(script);
      if (page === null) return '';
      this.pages.set(ip, page);
      const key = `ssh-ed25519 ${randomBytes(32).toString('base64')}`;
      this.hostKeys.set(ip, key);
      await this.faults.at('agent done', signal);
      return `${key}\n`;
    },
    setTime: async (domain, at, signal) => {
      await this.faults.at('clock', signal);
      if (this.domains.get(domain) !== 'running')
        throw new EngineError('guest_unreachable', 'The virtual machine does not respond');
      this.clocks.set(domain, at);
    },
  };

  readonly traffic: Traffic = {
    visits: () => {
      const visits = new Map(this.visits);
      this.visits.clear();
      return Promise.resolve(visits);
    },
    connected: () => Promise.resolve(new Set(this.connected)),
  };

  readonly proxy: Proxy = {
    publish: async (routes) => {
      await this.faults.at('publish');
      for (const key of ['userId', 'username', 'sshPort'] as const) {
        if (new Set(routes.map((route) => route[key])).size < routes.length)
          throw new EngineError(
            'proxy_refused',
            'Nginx refused the new configuration; the previous one stays in effect',
          );
      }
      this.serving = true;
      this.routes = routes;
      this.publishes += 1;
    },
    serves: (routes) =>
      Promise.resolve(this.serving && JSON.stringify(routes) === JSON.stringify(this.routes)),
    heldPorts: () => Promise.resolve(this.heldPorts),
    canListen: () => Promise.resolve(true),
    fetch: async (urlPath) => {
      await this.faults.at('fetch');
      if (!this.serving)
        throw new EngineError('proxy_unreachable', 'Nginx does not answer', { retryable: true });
      const route = this.routes.find((each) => urlPath === `/${each.userId}`);
      if (route === undefined) return 'There is no hosting at this address.';
      if (route.asleep !== undefined) return 'This site is waking up.';
      if (!this.isUp(route.ip)) return 'This VM is not responding right now.';
      return this.pages.get(route.ip) ?? 'This VM is not responding right now.';
    },
    version: () =>
      this.serving
        ? Promise.resolve('nginx 0.0.0-fake')
        : Promise.reject(new EngineError('proxy_unreachable', 'Nginx does not answer', { retryable: true })),
  };

  readonly virtualization: Virtualization = { detect: () => Promise.resolve('qemu') };

  /** Everything that exists, for "as before" checks. */
  remains(): { domains: string[]; volumes: string[]; routes: readonly Route[] } {
    return { domains: [...this.domains.keys()], volumes: [...this.volumes], routes: this.routes };
  }

  private stateOf(name: string): string {
    const state = this.domains.get(name);
    if (state === undefined) throw new EngineError('vm_lost', `${name} is gone`);
    return state;
  }

  /** Where its machine is known and saved, nothing answers. */
  private isUp(ip: string): boolean {
    return ![...this.addresses].some(
      ([name, address]) => address === ip && this.domains.get(name) === 'saved',
    );
  }

  private exists(resource: Resource): boolean {
    const { name } = resource;
    return this.domains.has(name) || this.volumes.has(name) || this.active.has(nodePart(resource));
  }

  private async make(call: TerraformCall, resource: Resource): Promise<void> {
    const spec = readSpec(call);
    report(call, 'apply_start', resource, 'Creating...');
    // what a state does not know is in the way, but for a volume: that one is taken as it is
    if (spec.kind === 'hosting' && resource.type !== 'libvirt_volume' && this.exists(resource))
      throw refused('apply_failed', `${resource.name} already exists`);
    if (resource.type === 'libvirt_domain' && spec.kind === 'hosting') {
      if (!this.active.has(`network ${spec.node.network}`))
        throw refused('apply_failed', 'Network not found');
      this.domains.set(resource.name, 'running');
      this.configs.set(resource.name, { memoryMiB: spec.memoryMiB, vcpus: spec.vcpus });
      this.marks.set(resource.name, { hostingId: spec.hostingId, pool: spec.node.pool });
      const marker = `<meta name="vm-webhoster" content="${spec.vmName}">`;
      this.pages.set(spec.ip, pageIn(spec.cloudInit.userData) ?? marker);
      this.hostKeys.delete(spec.ip);
      this.addresses.set(resource.name, spec.ip);
    } else if (nodePart(resource) !== '') this.active.add(nodePart(resource));
    else this.volumes.add(resource.name);
    if (resource.type === 'libvirt_cloudinit_disk' && spec.kind === 'hosting')
      this.userData.set(resource.name, spec.cloudInit.userData);
    // a killed apply has made the resource and not written it down yet
    await this.faults.at(`made ${resource.type}`, call.signal);
    const state = readState(call);
    const others = state.resources.filter((each) => each.address !== resource.address);
    writeState(call, { serial: state.serial + 1, resources: [...others, resource] });
    report(call, 'apply_complete', resource, 'Creation complete');
  }

  private async unmake(call: TerraformCall, resource: Resource): Promise<void> {
    report(call, 'apply_start', resource, 'Destroying...');
    this.domains.delete(resource.name);
    this.volumes.delete(resource.name);
    this.active.delete(nodePart(resource));
    const spec = readSpec(call);
    if (resource.type === 'libvirt_domain' && spec.kind === 'hosting') this.pages.delete(spec.ip);
    await this.faults.at(`removed ${resource.type}`, call.signal);
    const state = readState(call);
    writeState(call, {
      serial: state.serial + 1,
      resources: state.resources.filter((each) => each.address !== resource.address),
    });
    report(call, 'apply_complete', resource, 'Destruction complete');
  }

  private describePlan(call: TerraformCall, planFile: string): TerraformPlan {
    const plan = readPlan(call, planFile, 'plan_failed');
    const spec = readSpec(call);
    const change = (resource: Resource, action: 'create' | 'delete') => ({
      ...resource,
      mode: 'managed' as const,
      provider_name: 'registry.terraform.io/dmacvicar/libvirt',
      change: { actions: [action], before: null, after: action === 'create' ? sizes(spec) : null },
    });
    return {
      resource_changes: [
        ...plan.create.map((each) => change(each, 'create')),
        ...plan.remove.map((each) => change(each, 'delete')),
      ],
      configuration: {
        provider_config: {
          libvirt: {
            full_name: 'registry.terraform.io/dmacvicar/libvirt',
            expressions: { uri: { constant_value: spec.kind === 'hosting' ? spec.node.uri : spec.uri } },
          },
        },
      },
    };
  }
}

/** The page that travels in user data or in a script's archive, as base64 there; null where there is none. */
function pageIn(text: string): string | null {
  const chunks: string[] = [];
  let wrapped = '';
  for (const line of `${text}\n.`.split('\n')) {
    if (/^[A-Za-z0-9+/=]+$/.test(line)) wrapped += line;
    else {
      chunks.push(wrapped, ...(line.match(/[A-Za-z0-9+/]{80,}={0,2}/g) ?? []));
      wrapped = '';
    }
  }
  const decoded = chunks.map((chunk) => Buffer.from(chunk, 'base64').toString('utf8'));
  return decoded.flatMap((each) => /<!doctype html>[^\0]*/.exec(each)?.[0] ?? [])[0] ?? null;
}
