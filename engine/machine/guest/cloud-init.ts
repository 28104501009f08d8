/**
 * What a guest is told at its first boot. Files travel as base64, so no text of a user meets YAML, the shell or
 * Terraform's templates. The order of keys is fixed: the `micro` image reads it with a small script.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Handlebars from 'handlebars';
import { stringify } from 'yaml';
import { templatesDir } from '../../base/project';

export interface GuestFacts {
  readonly hostingId: string;
  readonly vmName: string;
  readonly sshPublicKey: string;
  /** The host's address in the VM's network, from where Nginx asks. */
  readonly gateway: string;
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

/** In the page of a machine that waits for its owner. */
export function spareMarker(vmName: string): string {
  return `name="vm-webhoster-spare" content="${vmName}"`;
}

export interface CloudInit {
  readonly userData: string;
  readonly metaData: string;
}

export function renderCloudInit({ sshPublicKey, welcome, ...machine }: GuestFacts): CloudInit {
  return cloudInitOf(machine, [sshPublicKey], renderWelcome(welcome));
}

/** Room on a spare's disk for its owner's data, which takes the place of its own: see libvirt/cloud-init-disk.ts. */
const room = `# ${'-'.repeat(16_384)}\n`;

/** What a machine is told that belongs to nobody yet: a name, and a key of nobody. */
export function renderSpareCloudInit(machine: MachineFacts): CloudInit {
  const page = renderPage('spare', { vmName: machine.vmName });
  const { userData, metaData } = cloudInitOf(machine, [], page);
  return { userData: `${userData}${room}`, metaData };
}

type MachineFacts = Pick<GuestFacts, 'hostingId' | 'vmName' | 'gateway'>;

/** The host's Nginx stands between the VM and its visitors, and it alone is believed when it says who they are. */
function visitorsOf(gateway: string): string {
  return `# Made by vm-webhoster: who visits is what the host's Nginx says, and nobody else.
set_real_ip_from ${gateway};
real_ip_header X-Real-IP;
`;
}

function cloudInitOf(
  { hostingId, vmName, gateway }: MachineFacts,
  sshPublicKeys: readonly string[],
  page: string,
): CloudInit {
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
        ...(sshPublicKeys.length === 0 ? {} : { ssh_authorized_keys: sshPublicKeys }),
      },
    ],
    write_files: [
      {
        path: `${webRoot}/index.html`,
        owner: `${guestUser}:${guestUser}`,
        permissions: '0644',
        encoding: 'b64',
        content: Buffer.from(page).toString('base64'),
      },
      {
        path: '/etc/nginx/conf.d/webhoster-visitors.conf',
        owner: 'root:root',
        permissions: '0644',
        encoding: 'b64',
        content: Buffer.from(visitorsOf(gateway)).toString('base64'),
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

export function renderWelcome(facts: WelcomeFacts): string {
  return renderPage('welcome', facts);
}

const pages = new Map<string, HandlebarsTemplateDelegate>();

function renderPage(name: 'welcome' | 'spare', facts: object): string {
  const source = (): string => readFileSync(path.join(templatesDir, `pages/${name}.html.hbs`), 'utf8');
  const page = pages.get(name) ?? Handlebars.compile(source(), { strict: true });
  pages.set(name, page);
  return page(facts);
}
