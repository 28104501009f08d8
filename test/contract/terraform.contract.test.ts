/**
 * Terraform: the command line and the fake, through the same life of a hosting. The hosting has a blank disk: what it
 * boots is no matter of Terraform's.
 */
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EngineError } from '../../engine/base/errors';
import { terraformCli } from '../../engine/machine/terraform/cli';
import { checkPlan, type PlanPolicy } from '../../engine/machine/terraform/plan-firewall';
import type { Terraform, TerraformEvent, TerraformPlan } from '../../engine/machine/terraform/terraform';
import { planFile, readState, resourceNames, writeStack } from '../../engine/machine/terraform/workspace';
import type { HostingSpec } from '../../stacks';
import { cacheDir } from '../support/postgres';
import { fakeHost, type Host, namesOf, realHost, uri } from './support/terraform-hosts';

const addresses = ['libvirt_cloudinit_disk.cidata', 'libvirt_domain.vm', 'libvirt_volume.root'];

function allNames(spec: HostingSpec): string[] {
  const { domain, volumes } = namesOf(spec);
  return [...volumes, domain];
}

function actions(plan: TerraformPlan): Record<string, readonly string[]> {
  const changes = (plan.resource_changes ?? []).filter(({ change }) => change.actions.join() !== 'no-op');
  return Object.fromEntries(changes.map((each) => [each.address, each.change.actions]));
}

/** Whoever still works in the directory; an ended process that nobody reaped has none. */
function processesIn(dir: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        Number(pid) !== process.pid &&
        readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dir)
      );
    } catch {
      return false;
    }
  });
}

// a plan that hangs is given up after 30 s
jest.setTimeout(100_000);

describe.each<[string, () => Promise<Host>]>([
  ['Terraform by its command line', realHost],
  ['the fake Terraform', fakeHost],
])('%s', (_, open) => {
  let host: Host;
  let root: string;

  beforeAll(async () => {
    // as the engine runs
    process.umask(0o077);
    root = mkdtempSync(path.join(tmpdir(), 'webhoster-ctr-stacks-'));
    host = await open();
  });
  afterAll(async () => {
    await host.close();
    rmSync(root, { recursive: true, force: true });
  });

  function newSpec(change: Partial<HostingSpec['node']> = {}): HostingSpec {
    const hostingId = randomUUID();
    const mac = ['52', '54', '00', ...hostingId.slice(0, 6).match(/../g)!].join(':');
    return {
      kind: 'hosting',
      hostingId,
      vmName: `ctr-${hostingId.slice(0, 8)}`,
      node: { uri, pool: host.pool, network: host.network, ...change },
      domainType: 'qemu',
      memoryMiB: 32,
      vcpus: 1,
      diskBytes: 2 * 1024 ** 2,
      ip: '10.255.0.2',
      mac,
      image: { baseVolumePath: host.baseVolumePath, boot: { kind: 'disk' } },
      cloudInit: { userData: '#cloud-config\nhostname: x\n', metaData: 'instance-id: x\n' },
    };
  }

  async function newWorkspace(spec: HostingSpec): Promise<string> {
    const workspace = path.join(root, spec.hostingId);
    await writeStack(workspace, host.render(spec));
    await host.terraform.init({ workspace });
    return workspace;
  }

  /** As the engine plans: again, when Terraform says that it is worth it. */
  async function plan(workspace: string, intent: 'apply' | 'destroy', file = planFile): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      try {
        return await host.terraform.plan({ workspace }, { planFile: file, intent });
      } catch (thrown) {
        if (tries === 3 || !(thrown instanceof EngineError && thrown.retryable)) throw thrown;
      }
    }
  }

  const policy = (intent: 'apply' | 'destroy'): PlanPolicy => ({
    intent,
    addresses,
    uri,
    keeps: ['libvirt_volume'],
    maxMemoryMiB: 32,
    maxVcpus: 1,
    maxDiskBytes: 2 * 1024 ** 2,
  });

  // one hosting from its first plan to its last; each case goes on where the one before it stopped
  describe('through the life of a hosting', () => {
    let spec: HostingSpec;
    let workspace: string;
    let serial = -1;

    beforeAll(async () => {
      spec = newSpec();
      workspace = await newWorkspace(spec);
    });

    it('a workspace can be initialized twice', async () => {
      await expect(host.terraform.init({ workspace })).resolves.toBeUndefined();
    });

    it('a workspace works on with another build of the provider under the same version', async () => {
      const lock = path.join(workspace, '.terraform.lock.hcl');
      // a fake has nothing to lock
      const before = existsSync(lock) ? readFileSync(lock, 'utf8') : null;
      if (before !== null) writeFileSync(lock, before.replace(/"h1:[^"]+"/, `"h1:${'A'.repeat(43)}="`));
      await expect(host.terraform.init({ workspace })).resolves.toBeUndefined();
      expect(existsSync(lock) ? readFileSync(lock, 'utf8') : null).toBe(before);
    });

    it('a plan names the three resources and makes none of them', async () => {
      expect(await plan(workspace, 'apply')).toBe(true);
      const shown = await host.terraform.showPlan({ workspace }, planFile);
      expect(actions(shown)).toEqual(Object.fromEntries(addresses.map((address) => [address, ['create']])));
      expect(await host.present(spec)).toEqual([]);
      expect(await readState(workspace)).toBeNull();
    });

    it('a plan passes the plan firewall, which can read its sizes', async () => {
      const shown = await host.terraform.showPlan({ workspace }, planFile);
      expect(() => {
        checkPlan(shown, policy('apply'));
      }).not.toThrow();
      const tight = { ...policy('apply'), maxMemoryMiB: 31, maxVcpus: 0, maxDiskBytes: 1 };
      expect(() => {
        checkPlan(shown, tight);
      }).toThrow('within-quota');
      expect(() => {
        checkPlan(shown, { ...policy('apply'), uri: 'qemu:///session' });
      }).toThrow('own-node');
    });

    it('an apply applies the saved plan, reports what it makes, and writes the state', async () => {
      await plan(workspace, 'apply', 'older.tfplan');
      const events: TerraformEvent[] = [];
      await host.terraform.apply({ workspace, onEvent: (event) => events.push(event) }, planFile);
      expect((await host.present(spec)).sort()).toEqual(allNames(spec).sort());
      for (const type of ['apply_start', 'apply_complete'])
        expect(
          events
            .filter((event) => event.type === type)
            .map((event) => event.address)
            .sort(),
        ).toEqual(addresses);
      expect(events.every((event) => event.level !== 'error' && event.message !== '')).toBe(true);
      const state = await readState(workspace);
      expect(resourceNames(state!).sort()).toEqual(allNames(spec).sort());
      serial = state!.serial;
      expect(serial).toBeGreaterThan(0);
    });

    it('an apply refuses a stale plan and changes nothing', async () => {
      await expect(host.terraform.apply({ workspace }, 'older.tfplan')).rejects.toMatchObject({
        name: 'EngineError',
        code: 'apply_failed',
      });
      expect((await readState(workspace))!.serial).toBe(serial);
      expect((await host.present(spec)).sort()).toEqual(allNames(spec).sort());
    });

    it('a plan right after an apply finds nothing to change', async () => {
      expect(await plan(workspace, 'apply')).toBe(false);
      expect(actions(await host.terraform.showPlan({ workspace }, planFile))).toEqual({});
    });

    it('a plan notices a resource that was lost, and makes only that', async () => {
      await host.loseDomain(spec);
      expect(await plan(workspace, 'apply')).toBe(true);
      const shown = await host.terraform.showPlan({ workspace }, planFile);
      expect(actions(shown)).toEqual({ 'libvirt_domain.vm': ['create'] });
      await host.terraform.apply({ workspace }, planFile);
      expect((await host.present(spec)).sort()).toEqual(allNames(spec).sort());
    });

    it('a destroy plan only deletes, and its apply leaves nothing', async () => {
      expect(await plan(workspace, 'destroy')).toBe(true);
      const shown = await host.terraform.showPlan({ workspace }, planFile);
      expect(actions(shown)).toEqual(Object.fromEntries(addresses.map((address) => [address, ['delete']])));
      expect(() => {
        checkPlan(shown, policy('destroy'));
      }).not.toThrow();
      await host.terraform.apply({ workspace }, planFile);
      expect(await host.present(spec)).toEqual([]);
      const state = await readState(workspace);
      expect(resourceNames(state!)).toEqual([]);
      expect(state!.serial).toBeGreaterThan(serial);
    });

    it('a destroy plan after a destroy has nothing to do', async () => {
      expect(await plan(workspace, 'destroy')).toBe(false);
    });

    it('nobody else can read the files of a workspace', () => {
      const open = readdirSync(workspace).filter(
        (file) => (statSync(path.join(workspace, file)).mode & 0o077) !== 0,
      );
      // the checksums of the provider are no secret, and Terraform sets that file's mode itself
      expect(open.filter((file) => file !== '.terraform.lock.hcl')).toEqual([]);
    });
  });

  describe('that cannot do its work', () => {
    /** What an error says in public must not hold what it says in its cause. */
    async function expectFailure(
      attempt: Promise<unknown>,
      code: 'plan_failed' | 'apply_failed',
      story: RegExp,
    ): Promise<void> {
      const error = await attempt.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(EngineError);
      const { code: found, message, cause, retryable } = error as EngineError;
      expect(found).toBe(code);
      // a plan may be tried again as it is; an apply never
      expect(retryable).toBe(code === 'plan_failed');
      expect((cause as Error).message).toMatch(story);
      expect(message).toMatch(/^Terraform [a-z ]+$/);
    }

    it('a plan of an unreadable stack fails', async () => {
      const workspace = await newWorkspace(newSpec());
      await writeStack(workspace, '{"resource": "secret-');
      await expectFailure(plan(workspace, 'apply'), 'plan_failed', /./);
      expect(await readState(workspace)).toBeNull();
    });

    it('showing or applying a plan that does not exist fails', async () => {
      const workspace = await newWorkspace(newSpec());
      await expectFailure(
        host.terraform.showPlan({ workspace }, 'none.tfplan'),
        'plan_failed',
        /none\.tfplan/,
      );
      await expectFailure(host.terraform.apply({ workspace }, 'none.tfplan'), 'apply_failed', /none\.tfplan/);
    });

    it('a failed apply writes what it made to the state, so that it can be destroyed', async () => {
      const spec = newSpec({ network: 'ctr-no-such-network' });
      const workspace = await newWorkspace(spec);
      await plan(workspace, 'apply');
      await expectFailure(host.terraform.apply({ workspace }, planFile), 'apply_failed', /network/i);
      const { volumes } = namesOf(spec);
      expect(resourceNames((await readState(workspace))!).sort()).toEqual([...volumes].sort());
      expect((await host.present(spec)).sort()).toEqual([...volumes].sort());
      await plan(workspace, 'destroy');
      await host.terraform.apply({ workspace }, planFile);
      expect(await host.present(spec)).toEqual([]);
    });

    it('an aborted run ends with the signal’s reason and no process left, and another run continues from there', async () => {
      const spec = newSpec();
      const workspace = await newWorkspace(spec);
      await plan(workspace, 'apply');
      const stop = new AbortController();
      const reason = new Error('cancelled');
      const onEvent = (event: TerraformEvent): void => {
        if (event.type === 'apply_start') stop.abort(reason);
      };
      await expect(host.terraform.apply({ workspace, signal: stop.signal, onEvent }, planFile)).rejects.toBe(
        reason,
      );
      expect(processesIn(workspace)).toEqual([]);
      expect(await host.present(spec)).not.toContain(spec.vmName);
      // what was finished is in the state; what was not may be there all the same, and is removed by its name
      const known = resourceNames(
        (await readState(workspace)) ?? { serial: 0, content: Buffer.from('{"resources":[]}') },
      );
      expect(allNames(spec)).toEqual(expect.arrayContaining(known));
      if (await plan(workspace, 'destroy')) await host.terraform.apply({ workspace }, planFile);
      expect(await plan(workspace, 'destroy')).toBe(false);
    });

    it('a run whose signal has already fired begins nothing', async () => {
      const spec = newSpec();
      const workspace = await newWorkspace(spec);
      await plan(workspace, 'apply');
      const reason = new Error('too late');
      await expect(
        host.terraform.apply({ workspace, signal: AbortSignal.abort(reason) }, planFile),
      ).rejects.toBe(reason);
      expect(await host.present(spec)).toEqual([]);
    });
  });

  it('Terraform reports its product and version', async () => {
    expect(await host.terraform.version()).toMatch(/^(Terraform|OpenTofu) \d+\.\d+\.\d+/);
  });

  if (open === realHost) {
    describe('and the machine', () => {
      const terraform = process.env.TERRAFORM_BIN ?? 'terraform';
      const cli = (program: string, graceMs?: number): Promise<Terraform> =>
        terraformCli({
          program,
          providerMirrorDir: path.join(cacheDir, 'providers'),
          configDir: path.join(root, 'config'),
          graceMs,
        });

      it('a missing Terraform is reported as such and as worth a retry', async () => {
        const missing = await cli('/nonexistent/terraform');
        const workspace = path.join(root, 'missing');
        await writeStack(workspace, '{}');
        for (const attempt of [
          missing.init({ workspace }),
          missing.plan({ workspace }, { planFile, intent: 'apply' }),
          missing.version(),
        ])
          await expect(attempt).rejects.toMatchObject({
            code: 'terraform_missing',
            retryable: true,
            message: 'Terraform is not installed on the server',
          });
      });

      // the provider's download of a cloud-init disk does so now and then
      it('a hanging plan is ended with all its processes, and reported as worth a retry', async () => {
        const program = path.join(root, 'terraform-that-hangs');
        writeFileSync(program, '#!/bin/sh\ntrap "" INT\nsleep 60 &\nwait\nsleep 60\n', { mode: 0o700 });
        const hanging = await terraformCli({
          program,
          providerMirrorDir: path.join(cacheDir, 'providers'),
          configDir: path.join(root, 'config'),
        });
        const workspace = path.join(root, 'hanging');
        await writeStack(workspace, '{}');
        const call = { workspace, silentMs: 300 };
        await expect(hanging.plan(call, { planFile, intent: 'apply' })).rejects.toMatchObject({
          code: 'plan_failed',
          retryable: true,
          message: 'Terraform could not plan the stack',
        });
        expect(processesIn(workspace)).toEqual([]);
      });

      // what Terraform says of it, every 10 s, comes from its own clock
      it('an apply that makes no progress is ended, and one that does is not', async () => {
        const program = path.join(root, 'terraform-that-waits');
        const line = (type: string): string => JSON.stringify({ '@level': 'info', '@message': type, type });
        const say = (type: string): string =>
          `for i in $(seq 20); do echo '${line(type)}'; sleep 0.1; done\n`;
        const start = (type: string): Promise<Terraform> => {
          writeFileSync(program, `#!/bin/sh\n${say(type)}`, { mode: 0o700 });
          return cli(program);
        };
        const workspace = path.join(root, 'waiting');
        await writeStack(workspace, '{}');
        const call = { workspace, silentMs: 1_500 };
        await expect((await start('apply_complete')).apply(call, planFile)).resolves.toBeUndefined();
        await expect((await start('apply_progress')).apply(call, planFile)).rejects.toMatchObject({
          code: 'apply_failed',
          retryable: true,
        });
      });

      it('Terraform gets nothing from this process’s environment', async () => {
        const leaking = {
          TF_CLI_ARGS: '-bogus',
          TF_CLI_CONFIG_FILE: '/nonexistent',
          TF_DATA_DIR: '/nonexistent',
          TF_LOG: 'TRACE',
          TF_WORKSPACE: 'other',
        };
        Object.assign(process.env, leaking);
        try {
          const workspace = await newWorkspace(newSpec());
          expect(await plan(workspace, 'apply')).toBe(true);
          expect(readdirSync(workspace)).toContain('.terraform');
        } finally {
          for (const name of Object.keys(leaking)) Reflect.deleteProperty(process.env, name);
        }
      });

      it('Terraform takes the provider from the mirror and nowhere else', async () => {
        const workspace = path.join(root, 'elsewhere');
        await writeStack(
          workspace,
          JSON.stringify({ terraform: { required_providers: { null: { source: 'hashicorp/null' } } } }),
        );
        await expect(host.terraform.init({ workspace })).rejects.toMatchObject({
          code: 'plan_failed',
          message: 'Terraform could not initialize the stack',
        });
      });

      // Terraform makes its state file when it locks it and writes it later: killed in between, it leaves it empty
      it('another run can continue in a workspace whose apply was killed', async () => {
        const hard = await cli(terraform, 0);
        const spec = newSpec();
        const workspace = await newWorkspace(spec);
        await hard.plan({ workspace }, { planFile, intent: 'apply' });
        const stop = new AbortController();
        const onEvent = (event: TerraformEvent): void => {
          if (event.type === 'apply_start') stop.abort(new Error('killed'));
        };
        await expect(hard.apply({ workspace, signal: stop.signal, onEvent }, planFile)).rejects.toThrow(
          'killed',
        );
        expect(processesIn(workspace)).toEqual([]);
        // empty nearly always; now and then the first resource was quicker
        const known = await readState(workspace);
        expect(allNames(spec)).toEqual(expect.arrayContaining(known === null ? [] : resourceNames(known)));
        expect(await hard.plan({ workspace }, { planFile, intent: 'apply' })).toBe(true);
      });

      it('nobody else can read the configuration of Terraform’s command line', async () => {
        await cli(terraform);
        const file = path.join(root, 'config/terraform.tfrc');
        expect(statSync(file).mode & 0o777).toBe(0o600);
        expect(readFileSync(file, 'utf8')).toContain('filesystem_mirror');
      });
    });
  }
});
