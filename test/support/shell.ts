/** ssh and sftp as a user would call them, with the key and the host keys that the service handed out. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { HostAnswer } from '../worlds/system';

export interface Shell {
  ssh(command: string): Promise<string>;
  /** As `ssh`, with something on its standard input. */
  feed(command: string, input: string): Promise<string>;
  /** The program and arguments of an ssh that runs a command. */
  argv(command: string): string[];
  /** Uploads a file of this machine. */
  upload(file: string, target: string): Promise<void>;
  /** Uploads text to a path in the VM by sftp. */
  put(text: string, target: string): Promise<void>;
  close(): void;
}

export function openShell({ hosting, known_hosts: knownHosts, ssh_private_key: key }: HostAnswer): Shell {
  const dir = mkdtempSync(path.join(tmpdir(), 'webhoster-shell-'));
  const file = (name: string, content: string): string => {
    // sftp takes the mode along: a page must be readable for the web server
    writeFileSync(path.join(dir, name), content, { mode: name === 'upload' ? 0o644 : 0o600 });
    return path.join(dir, name);
  };
  const options = [
    ...[
      '-i',
      file('key', key ?? ''),
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      'BatchMode=yes',
      '-o',
      'ConnectTimeout=20',
    ],
    // strict: whoever answers must hold the key that was announced
    ...[
      '-o',
      `UserKnownHostsFile=${file('known_hosts', `${knownHosts.join('\n')}\n`)}`,
      '-o',
      'StrictHostKeyChecking=yes',
    ],
  ];
  const sshArgs = (command: string): string[] => [
    ...options,
    '-p',
    String(hosting.ssh_port),
    'ubuntu@localhost',
    command,
  ];
  const upload = async (from: string, target: string): Promise<void> => {
    const batch = file('batch', `put ${from} "${target}"\n`);
    await run('sftp', [...options, '-b', batch, '-P', String(hosting.ssh_port), 'ubuntu@localhost']);
  };
  return {
    ssh: (command) => run('ssh', sshArgs(command)),
    feed: (command, input) => run('ssh', sshArgs(command), input),
    argv: (command) => ['ssh', ...sshArgs(command)],
    upload,
    put: (text, target) => upload(file('upload', text), target),
    close: () => {
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function run(program: string, args: string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { timeout: 60_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} failed: ${stderr}`));
      else resolve(stdout);
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
