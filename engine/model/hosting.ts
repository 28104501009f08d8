/** One user’s virtual machine with its web page, and its domains. */
import type { Failure, Operation } from './operation';

export type HostingStatus =
  'creating' | 'running' | 'sleeping' | 'stopped' | 'deleting' | 'deleted' | 'failed' | 'ejected';

/** How a hosting that should run is found to be: `lost` is one whose VM or disk is gone. */
export const hostingTroubles = ['off', 'paused', 'unreachable', 'lost'] as const;

export type HostingTrouble = (typeof hostingTroubles)[number];

export const spareStatuses = ['warming', 'spare', 'saved'] as const;

/** What has no owner yet: being made, or waiting for one. */
export type SpareStatus = (typeof spareStatuses)[number];

export interface Hosting {
  readonly id: string;
  readonly userId: number;
  readonly vmName: string;
  /** What it is meant to be, or what is found in its place while it should run. */
  readonly status: HostingStatus | HostingTrouble;
  readonly image: string;
  readonly ip: string;
  readonly sshPort: number;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly diskGiB: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly webUrl: string;
  readonly subdomainUrl: string;
  readonly sshCommand: string;
  readonly sftpCommand: string;
  /** The VM's SSH host keys as lines for ~/.ssh/known_hosts; empty until the VM has been seen. */
  readonly knownHosts: readonly string[];
  readonly failure: Failure | null;
  /** What the last look for drift found. */
  readonly drift: DriftFound;
  readonly createdAt: Date;
  readonly readyAt: Date | null;
}

/** How a hosting differs from its specification, as the last look found it. */
export interface DriftFound {
  /** null before the first look that succeeded. */
  readonly checkedAt: Date | null;
  readonly differences: readonly string[];
  /** The newest look failed, so that what stands here is older. */
  readonly lookFailed: boolean;
  /** Why it did; null where it did not. */
  readonly lookFailure: Failure | null;
}

/** Which hostings; those that fit one of the names and every other condition. */
export interface HostingFilter {
  /** VM names, hosting ids or usernames; empty for any. */
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly olderThanSeconds: number | null;
  /** @default any */
  readonly status?: NamedHosting['status'];
}

/** A living hosting as lists show it. */
export interface NamedHosting {
  readonly id: string;
  readonly vmName: string;
  /** `-` where nobody owns it. */
  readonly username: string;
  readonly status: HostingStatus | HostingTrouble | SpareStatus;
  readonly createdAt: Date;
  readonly labels: Readonly<Record<string, string>>;
  readonly drift: DriftFound;
}

export const spareStates = ['warming', 'waiting', 'saved', 'removing'] as const;

export type SpareState = (typeof spareStates)[number];

export interface CreateHostingInput {
  /** One OpenSSH public key line; without one a key pair is made. */
  readonly sshPublicKey?: string;
  /** To group hostings by, e.g. {course: 'cs101'}. @default those of the user's last hosting */
  readonly labels?: Readonly<Record<string, string>>;
  readonly idempotencyKey?: string;
}

/** A domain that a user brought. */
export interface Domain {
  /** In lower case, international ones as `xn--…`. */
  readonly name: string;
  /** Only then it is served. */
  readonly proved: boolean;
  readonly url: string;
  /** One of these two proves it: a TXT record, */
  readonly record: { readonly name: string; readonly value: string };
  /** or a file that the domain serves by http from where it is now. */
  readonly file: { readonly path: string; readonly content: string };
  readonly createdAt: Date;
}

export interface AcceptedHosting {
  readonly hosting: Hosting;
  readonly operation: Operation;
  /** OpenSSH private key, given exactly once, and only when the caller sent no public key. */
  readonly sshPrivateKey: string | null;
}
