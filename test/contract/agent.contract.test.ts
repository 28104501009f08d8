/** What runs inside a VM: the guest agent by virsh, whose place a small program takes here, and the fake. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Agent } from '../../engine/machine/libvirt/agent';
import { virshAgent } from '../../engine/machine/libvirt/virsh-agent';
import { FakeHost } from '../fakes/fake-host';

const never = new AbortController().signal;
const options = { signal: never, timeoutMs: 10_000 };

/** Answers as `virsh qemu-agent-command` does for a guest whose shell is this machine's. */
const played = `#!${process.execPath}
const fs = require('node:fs');
const { spawn } = require('node:child_process');
const at = process.argv.indexOf('qemu-agent-command');
const [domain, command] = process.argv.slice(at + 1);
const fail = (text) => { console.error(text); process.exit(1); };
const say = (value) => console.log(JSON.stringify({ return: value }));
if (domain === 'away') fail("error: failed to connect to the hypervisor\\nerror: Failed to connect socket to '/run/libvirt/libvirt-sock'");
if (domain === 'none') fail("error: failed to get domain 'none'");
if (domain === 'silent') fail('error: Guest agent is not responding: QEMU guest agent is not connected');
if (domain === 'wordy') { const part = 'x'.repeat(65536); const go = () => { while (process.stdout.write(part)); process.stdout.once('drain', go); }; go(); return; }
if (domain === 'huge') { say({ exited: true, exitcode: 0, pid: 1, 'out-data': Buffer.alloc(5 << 20, 'k').toString('base64') }); return; }
if (domain === 'late') { setTimeout(() => {}, 60_000); return; }
if (domain === 'busy') { say({ pid: 1, exited: false }); return; }
if (domain === 'broken') { process.stdout.write(Buffer.from('ff00fe7b22', 'hex')); return; }
if (domain === 'babbling') { console.log('{"return":{"exited":1}}'); process.exit(0); }
const { execute, arguments: given } = JSON.parse(command);
if (execute === 'guest-set-time' && domain === 'small') fail('error: internal error: unable to execute QEMU agent command: this feature or command is not currently supported');
if (execute === 'guest-set-time') { fs.writeFileSync(require('node:path').join(__dirname, 'time'), command); console.log('{"return":{}}'); process.exit(0); }
if (execute === 'guest-exec') {
  const file = require('node:path').join(__dirname, 'run-' + process.pid);
  const child = spawn('/bin/sh', ['-c', given.path + ' ' + given.arg.join(' ') + ' >' + file + '.out 2>' + file + '.err; echo $? >' + file + '.code'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin.end(Buffer.from(given['input-data'], 'base64'), () => { say({ pid: process.pid }); process.exit(0); });
} else if (execute === 'guest-exec-status') {
  const file = require('node:path').join(__dirname, 'run-' + given.pid);
  const read = (name) => fs.readFileSync(file + name).toString('base64');
  const code = fs.existsSync(file + '.code') ? fs.readFileSync(file + '.code', 'utf8') : '';
  if (code === '') say({ exited: false });
  else say({ exited: true, exitcode: Number(code), 'out-data': read('.out'), 'err-data': read('.err') });
}
`;

let dir: string;
let before: string | undefined;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'webhoster-agent-'));
  writeFileSync(path.join(dir, 'virsh'), played);
  chmodSync(path.join(dir, 'virsh'), 0o755);
  before = process.env.PATH;
  process.env.PATH = `${dir}:${before ?? ''}`;
});
afterAll(() => {
  process.env.PATH = before;
  rmSync(dir, { recursive: true, force: true });
});

const real = virshAgent('qemu:///system');

describe.each<[string, () => Agent]>([
  ['the guest agent by virsh', () => real],
  ['the fake agent', () => new FakeHost().agent],
])('%s', (_, open) => {
  it('a script for a VM that does not exist fails as guest_unreachable', async () => {
    await expect(open().run('none', 'true', options)).rejects.toMatchObject({
      name: 'EngineError',
      code: 'guest_unreachable',
    });
  });

  it('setting the clock of a VM that does not exist fails as guest_unreachable', async () => {
    await expect(open().setTime('none', new Date(), never)).rejects.toMatchObject({
      code: 'guest_unreachable',
    });
  });

  it('the agent does nothing for a caller who has aborted', async () => {
    const reason = new Error('gone');
    const gone = { ...options, signal: AbortSignal.abort(reason) };
    await expect(open().run('vm', 'true', gone)).rejects.toBe(reason);
  });
});

describe('the guest agent by virsh', () => {
  it('the agent runs a script, whatever is in it, and returns its output', async () => {
    const script = `printf '%s\\n' 'a "quoted" $HOME 한글' "$((6 * 7))"\nsleep 0.2\necho done >&1; echo aside >&2\n`;
    expect(await real.run('vm', script, options)).toBe('a "quoted" $HOME 한글\n42\ndone\n');
  });

  it('the agent sets the clock in seconds and nanoseconds, as libvirt documents it', async () => {
    await real.setTime('vm', new Date(1_763_800_000_123), never);
    expect(readFileSync(path.join(dir, 'time'), 'utf8')).toBe(
      '{"execute":"guest-set-time","arguments":{"time":1763800000123000000}}',
    );
  });

  it('the agent sets the clock of a guest without hwclock with the guest’s date', async () => {
    const date = path.join(dir, 'date');
    writeFileSync(date, `#!/bin/sh\necho "$@" >${date}.asked\n`, { mode: 0o755 });
    await real.setTime('small', new Date(1_763_800_000_623), never);
    expect(readFileSync(`${date}.asked`, 'utf8')).toBe('-u -s @1763800001\n');
  });

  it('the agent reports a failed script, whose output goes to the log alone', async () => {
    const thrown = (await real
      .run('vm', 'echo the reason >&2; exit 3', options)
      .catch((error: unknown) => error)) as Error;
    expect(thrown).toMatchObject({ code: 'guest_unreachable', retryable: false });
    expect(thrown.message).not.toContain('the reason');
    expect((thrown.cause as Error).message).toContain('ended with 3: the reason');
  });

  it.each(['silent', 'babbling', 'broken', 'wordy', 'huge', 'late', 'busy'])(
    'an agent that is %s counts as an unreachable guest, within the given time',
    async (domain) => {
      const begun = performance.now();
      const timeoutMs = 2_000;
      await expect(real.run(domain, 'true', { ...options, timeoutMs })).rejects.toMatchObject({
        code: 'guest_unreachable',
      });
      expect(performance.now() - begun).toBeLessThan(timeoutMs + 6_000);
    },
    20_000,
  );

  it.each(['broken', 'wordy', 'late'])(
    'setting the clock does not wait for an agent that is %s',
    async (domain) => {
      const begun = performance.now();
      await expect(real.setTime(domain, new Date(), never)).rejects.toMatchObject({
        code: 'guest_unreachable',
      });
      expect(performance.now() - begun).toBeLessThan(14_000);
    },
    20_000,
  );

  it('a libvirt that is away is reported as unavailable and worth a retry', async () => {
    await expect(real.run('away', 'true', options)).rejects.toMatchObject({
      code: 'libvirt_unavailable',
      retryable: true,
    });
  });

  it('the agent gives up a script that does not end', async () => {
    await expect(real.run('vm', 'sleep 5', { ...options, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'guest_unreachable',
    });
  });

  it('the agent stops polling when its caller aborts', async () => {
    const stop = new AbortController();
    const running = real.run('vm', 'sleep 5', { ...options, signal: stop.signal });
    const reason = new Error('gone');
    setTimeout(() => {
      stop.abort(reason);
    }, 500);
    await expect(running).rejects.toBe(reason);
  });
});
