/** Everything an operation works with, each behind an interface; tests use fakes. */
import type { Clock } from '../base/clock';
import type { Config } from '../base/config';
import type { Guest } from '../machine/guest/guest';
import type { Isolation } from '../machine/isolation/isolation';
import type { Agent } from '../machine/libvirt/agent';
import type { Inventory } from '../machine/libvirt/inventory';
import type { Virtualization } from '../machine/libvirt/virtualization';
import type { Log } from '../base/log';
import type { Kinds } from './kinds';
import type { Measures } from './measures';
import type { NodeCare } from '../machine/host/node-care';
import type { Images } from '../machine/images/images';
import type { Proxy } from '../machine/nginx/proxy';
import type { RoutePublisher } from '../machine/nginx/publisher';
import type { Queue } from './queue';
import type { SecretBox } from '../base/secret-box';
import type { Redis } from '../machine/redis/redis';
import type { Database } from '../store/database';
import type { Traffic } from '../machine/nginx/traffic';
import type { Synthesizer } from '../machine/terraform/synthesizer';
import type { Terraform } from '../machine/terraform/terraform';
import type { Tracing } from '../base/tracing';

/** What the runner itself takes of them. */
export type RunnerParts = Pick<Parts, 'clock' | 'database' | 'log' | 'measures' | 'queue' | 'tracing'>;

export interface Parts {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly database: Database;
  readonly queue: Queue;
  readonly kinds: Kinds;
  /** What is still there of an operation's stack, in words for people. What it returns asks once for all stacks. */
  readonly owned: () => (stackId: string) => Promise<string[]>;
  readonly secretBox: SecretBox;
  readonly synthesizer: Synthesizer;
  readonly terraform: Terraform;
  readonly inventory: Inventory;
  readonly isolation: Isolation;
  readonly virtualization: Virtualization;
  readonly images: Images;
  readonly proxy: Proxy;
  readonly routePublisher: RoutePublisher;
  readonly guest: Guest;
  /** For state that API processes share; null if none is configured. It can be unavailable at any time. */
  readonly redis: Redis | null;
  readonly measures: Measures;
  readonly tracing: Tracing;
  readonly agent: Agent;
  readonly traffic: Traffic;
  readonly nodeCare: NodeCare;
}
