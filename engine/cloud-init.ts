/**
 * What a guest is told at its first boot. Files travel as base64, so no text of a user meets YAML, the shell or
 * Terraform's templates. The order of keys is fixed: the `micro` image reads it with a small script.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';
import { stringify } from 'yaml';
import { templatesDir } from './project';

export interface GuestFacts {
  readonly hostingId: string;
  readonly vmName: string;
  readonly sshPublicKey: string;
  readonly welcome: WelcomeFacts;
}

export interface WelcomeFacts {
  readonly username: string;
  readonly vmName: string;
  readonly webUrl: string;
  readonly subdomainUrl: string;
  readonly sshCommand: string;
  readonly sftpCommand: string;
}

export const webRoot = '/var/www/html';
export const guestUser = 'ubuntu';

/** In the welcome page; the engine waits until the VM serves it. */
export function pageMarker(vmName: string): string {
  return `name="vm-webhoster" content="${vmName}"`;
}

export function renderCloudInit({ hostingId, vmName, sshPublicKey, welcome }: GuestFacts): {
  userData: string;
  metaData: string;
} {
  const config = {
    hostname: vmName,
    manage_etc_hosts: true,
    users: [
      {
        name: guestUser,
        groups: ['sudo', 'www-data'],
        shell: '/bin/bash',
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
        lock_passwd: true,
        ssh_authorized_keys: [sshPublicKey],
      },
    ],
    write_files: [
      {
        path: `${webRoot}/index.html`,
        owner: `${guestUser}:${guestUser}`,
        permissions: '0644',
        encoding: 'b64',
        content: Buffer.from(renderWelcome(welcome)).toString('base64'),
      },
    ],
  };
  return {
    userData: `#cloud-config\n${toYaml(config)}`,
    metaData: toYaml({ 'instance-id': hostingId, 'local-hostname': vmName }),
  };
}

/** YAML 1.1 is what cloud-init reads: there `no` and `0644` mean other things than in 1.2. */
function toYaml(value: unknown): string {
  return stringify(value, { version: '1.1', lineWidth: 0 });
}

let welcomePage: HandlebarsTemplateDelegate | undefined;

function renderWelcome(facts: WelcomeFacts): string {
  welcomePage ??= Handlebars.compile(
    readFileSync(path.join(templatesDir, 'pages/welcome.html.hbs'), 'utf8'),
    { strict: true },
  );
  return welcomePage(facts);
}
