/** Hostings in the list of the fake engine, and which of them a filter lets through. */
import {
  type Hosting,
  type HostingFilter,
  hostingTroubles,
  type NamedHosting,
  namesHosting,
} from '../../../engine';
import type { Records } from './records';

export function named({ people }: Pick<Records, 'people'>, hosting: Hosting): NamedHosting {
  const { id, vmName, status, createdAt, labels, drift } = hosting;
  const username = people.withId(hosting.userId)?.user.username ?? '-';
  return { id, vmName, status, createdAt, labels, drift, username };
}

export function matches(
  hosting: NamedHosting,
  { names, labels, olderThanSeconds, status }: HostingFilter,
): boolean {
  const isTroubled = hostingTroubles.some((trouble) => trouble === hosting.status);
  return (
    (names.length === 0 || names.some((name) => namesHosting(name, hosting))) &&
    Object.entries(labels).every(([name, value]) => hosting.labels[name] === value) &&
    (olderThanSeconds === null || hosting.createdAt.getTime() <= Date.now() - olderThanSeconds * 1_000) &&
    (status === undefined || status === (isTroubled ? 'running' : hosting.status))
  );
}
