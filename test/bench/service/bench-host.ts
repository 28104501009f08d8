/**
 * The fakes of the parts that make VMs, fit for a bench: they keep no more of a VM than its marker, tell somebody else
 * which address serves which page, and boot as long as they are told. Terraform, its synthesizer, libvirt, the host's
 * firewall and the guests are fakes; PostgreSQL, the queue, the API and Nginx are not.
 */
import type { Parts } from '../../../engine/durable';
import { FakeHost } from '../../fakes/fake-host';
import { fakeImages } from '../../fakes/fake-images';

export interface BenchHostOptions {
  /** From the power being on to the page being served. */
  readonly bootMs: number;
  /** Told what an address serves from now on; null for nothing. */
  readonly tell: (ip: string, page: string | null) => void;
}

export interface BenchHost {
  readonly parts: Partial<Parts>;
  /** VMs that are on and do not serve yet: now, and the most there ever were. */
  booting(): { readonly now: number; readonly most: number };
}

export function benchHost({ bootMs, tell }: BenchHostOptions): BenchHost {
  const host = new FakeHost();
  /** Address -> when its VM was switched on; 0 when it has served. */
  const onSince = new Map<string, number>();
  let most = 0;
  const now = (): number => [...onSince.values()].filter((since) => since > 0).length;
  const pages = toldPages((ip, page) => {
    if (page === null) onSince.delete(ip);
    else if (!onSince.has(ip)) onSince.set(ip, performance.now());
    most = Math.max(most, now());
    tell(ip, page);
  });
  Object.assign(host, { pages, userData: forgetful() });
  const { synthesizer, terraform, inventory, isolation, nodeCare, agent, virtualization } = host;
  const guest: Parts['guest'] = {
    ...host.guest,
    servesPage: async (ip, marker) => {
      if (performance.now() - (onSince.get(ip) ?? Infinity) < bootMs) return false;
      const serves = await host.guest.servesPage(ip, marker);
      if (serves) onSince.set(ip, 0);
      return serves;
    },
  };
  return {
    parts: {
      ...{ synthesizer, terraform, inventory, isolation, nodeCare, agent, virtualization, guest },
      images: fakeImages,
    },
    booting: () => ({ now: now(), most }),
  };
}

/** What a page must hold to be known as this VM's, or as a spare's. */
const marker = /name="vm-webhoster[a-z-]*" content="[^"]+"/;

function toldPages(tell: (ip: string, page: string | null) => void): Map<string, string> {
  return new (class extends Map<string, string> {
    override set(ip: string, page: string): this {
      const short = `<!doctype html><meta ${marker.exec(page)?.[0] ?? ''}>`;
      tell(ip, short);
      return super.set(ip, short);
    }
    override delete(ip: string): boolean {
      tell(ip, null);
      return super.delete(ip);
    }
  })();
}

/** What is on the cloud-init disks is for tests to look at, and would be the greater part of the memory. */
function forgetful(): Map<string, string> {
  return new (class extends Map<string, string> {
    override set(): this {
      return this;
    }
  })();
}
