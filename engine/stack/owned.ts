/**
 * The resources of an operation's stack that still exist, in words for people: what a stuck operation holds until someone
 * resumes it. Read from the database and from libvirt; if libvirt does not answer, that is reported instead.
 */
import { existsSync } from 'node:fs';
import { EngineError } from '../base/errors';
import { isoName, rootVolumeName, vmNameOf } from '../machine/libvirt/names';
import type { Survey } from '../machine/libvirt/inventory';
import type { Parts } from '../durable';
import { reservationsOf } from '../store/hostings';
import { findNodeOfStack, findStack } from '../store/stacks';
import { stackWorkspace } from '../machine/terraform/workspace';

export type OwningParts = Pick<Parts, 'config' | 'database' | 'inventory'>;

/** virsh itself gives up after 30 s; whoever looks at a stuck operation should not wait for that. */
const patienceMs = 5_000;

/** Asks libvirt only once for all the stacks that the returned function is called with. */
export function ownership(parts: OwningParts): (stackId: string) => Promise<string[]> {
  const { config, database, inventory } = parts;
  const asked = <T>(ask: () => Promise<T>): (() => Promise<T | null>) => {
    let answer: Promise<T | null> | undefined;
    return () => (answer ??= soon(ask()).catch(() => null));
  };
  const survey = asked(() => inventory.survey(config.POOL_NAME));
  const nodeActive = asked(() => inventory.nodeActive(config.POOL_NAME, config.NETWORK_NAME));

  return async (stackId) => {
    const [node, stack] = await Promise.all([
      findNodeOfStack(database.direct, stackId),
      findStack(database.direct, stackId),
    ]);
    const found = await survey();
    const inLibvirt = node === null ? ofHosting(found, stackId) : ofNode(found, await nodeActive(), config);
    const reserved = await reservationsOf(database.direct, stackId);
    return [
      ...(found === null ? ['unknown: libvirt does not answer'] : inLibvirt),
      ...reserved.ports.map((port) => `SSH port ${port}`),
      ...reserved.addresses.map((ip) => `address ${ip}`),
      ...reserved.routes.map((userId) => `route /${userId}`),
      ...(existsSync(stackWorkspace(config, stackId)) ? ['workspace'] : []),
      ...(stack?.stateSealed ? ['Terraform state'] : []),
    ];
  };
}

/** By the names that derive from the hosting's id, so that it is found without the hosting's row as well. */
function ofHosting(survey: Survey | null, hostingId: string): string[] {
  const disks = [rootVolumeName(hostingId), isoName(hostingId)];
  const domains = survey?.domains.filter(({ name }) => name === vmNameOf(hostingId)) ?? [];
  const volumes = disks.filter((name) => survey?.volumes?.includes(name));
  return [
    ...domains.map(({ name, state }) => `domain ${name} (${state})`),
    ...volumes.map((name) => `volume ${name}`),
  ];
}

function ofNode(survey: Survey | null, active: boolean | null, config: Parts['config']): string[] {
  const both = [`pool ${config.POOL_NAME}`, `network ${config.NETWORK_NAME}`];
  return [
    ...(active === true ? both : [`perhaps ${both.join(' or ')}: not both are active`]),
    ...(survey?.volumes?.map((name) => `volume ${name}`) ?? []),
  ];
}

function soon<T>(asking: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new EngineError('libvirt_unavailable', undefined, { retryable: true }));
    }, patienceMs);
  });
  return Promise.race([asking, late]).finally(() => {
    clearTimeout(timer);
  });
}
