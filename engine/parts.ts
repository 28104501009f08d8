/** Everything an operation works with, each behind an interface; tests put fakes in. */
import type { Clock } from './clock';
import type { Config } from './config';
import type { Guest } from './guest/guest';
import type { Isolation } from './isolation/isolation';
import type { Agent } from './libvirt/agent';
import type { Inventory } from './libvirt/inventory';
import type { Virtualization } from './libvirt/virtualization';
import type { Log } from './log';
import type { Measures } from './measures';
import type { NodeCare } from './node/node-care';
import type { Images } from './images/images';
import type { Proxy } from './proxy/proxy';
import type { RoutePublisher } from './proxy/publisher';
import type { Queue } from './queue/queue';
import type { SecretBox } from './secret-box';
import type { Redis } from './shared/redis';
import type { Database } from './store/database';
import type { Traffic } from './traffic/traffic';
import type { Synthesizer } from './terraform/synthesizer';
import type { Terraform } from './terraform/terraform';
import type { Tracing } from './tracing';

export interface Parts {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly database: Database;
  readonly queue: Queue;
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
  /** For what API processes share; null where none is configured. It may be away at any time. */
  readonly redis: Redis | null;
  readonly measures: Measures;
  readonly tracing: Tracing;
  readonly agent: Agent;
  readonly traffic: Traffic;
  readonly nodeCare: NodeCare;
}
