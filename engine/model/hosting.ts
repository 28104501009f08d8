/** One user’s virtual machine with its web page, and its domains. */
import type { Failure, Operation } from './operation';

export type HostingStatus =
  'creating' | 'running' | 'sleeping' | 'stopped' | 'deleting' | 'deleted' | 'failed' | 'ejected';

/** What is wrong with a hosting that should be running; `lost`: its VM or disk is gone. */
export const hostingTroubles = ['off', 'paused', 'unreachable', 'lost'] as const;

export type HostingTrouble = (typeof hostingTroubles)[number];

export const spareStatuses = ['warming', 'spare', 'saved'] as const;

/** A hosting without an owner: being created, or waiting for one. */
export type SpareStatus = (typeof spareStatuses)[number];

export interface Hosting {
  readonly id: string;
  readonly userId: number;
  readonly vmName: string;
  /** The intended status, or what is wrong while it should be running. */
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
  /** The VM's SSH host keys as lines for ~/.ssh/known_hosts; empty until they are known. */
  readonly knownHosts: readonly string[];
  readonly failure: Failure | null;
  /** The result of the last drift check. */
  readonly drift: DriftFound;
  readonly createdAt: Date;
  readonly readyAt: Date | null;
}

/** How a hosting differs from its specification, according to the last check. */
export interface DriftFound {
  /** null before the first successful check. */
  readonly checkedAt: Date | null;
  readonly differences: readonly string[];
  /** The latest check failed, so the other values are of an earlier one. */
  readonly lookFailed: boolean;
  /** Why it failed; null if it did not. */
  readonly lookFailure: Failure | null;
}

/** Selects the hostings that match one of the names and every other condition. */
export interface HostingFilter {
  /** VM names, hosting ids or usernames; empty for any. */
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly olderThanSeconds: number | null;
  /** @default any */
  readonly status?: NamedHosting['status'];
}

/** A current hosting, as in lists. */
export interface NamedHosting {
  readonly id: string;
  readonly vmName: string;
  /** `-` if nobody owns it. */
  readonly username: string;
  readonly status: HostingStatus | HostingTrouble | SpareStatus;
  readonly createdAt: Date;
  readonly labels: Readonly<Record<string, string>>;
  readonly drift: DriftFound;
}

export const spareStates = ['warming', 'waiting', 'saved', 'removing'] as const;

export type SpareState = (typeof spareStates)[number];

export interface CreateHostingInput {
  /** One OpenSSH public key line; without it, a key pair is generated. */
  readonly sshPublicKey?: string;
  /** For grouping hostings, e.g. {course: 'cs101'}. @default those of the user's last hosting */
  readonly labels?: Readonly<Record<string, string>>;
  readonly idempotencyKey?: string;
}

/** A custom domain of a user. */
export interface Domain {
  /** In lower case; international names as `xn--…`. */
  readonly name: string;
  /** Only proved domains are served. */
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
  /** OpenSSH private key, returned exactly once, and only if the caller sent no public key. */
  readonly sshPrivateKey: string | null;
}
