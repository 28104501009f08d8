/** What is done to a machine before and after the service runs there: images, node, Nginx. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Config } from '../base/config';
import type { Operation } from '../model/operation';
import { acceptHere, type EngineParts, expectSuccess, finishOperation, operations } from '../durable';
import { assertNoneEjected, acceptDelete } from '../hostings';
import { imageBuilder } from '../machine/images/builder';
import { imageMissing, type Images } from '../machine/images/images';
import type { Command } from '../model/actor';
import { recorder } from '../audit';
import { isPrepared, nodeFingerprint, prepareNode as prepareNodeOperation, removeNode } from '../node';
import { runCommand } from '../base/process';
import { assertNoOverlap, groundFixes, mendNode } from '../sweep';
import { isRunning } from '../machine/nginx/control';
import { resumeStuck, unendedOperation } from '../store/operations';
import { livingHostings } from '../store/hostings';
import { ensureNode, findNode } from '../store/stacks';
import { recipesDir } from '../base/project';

export function openImages(config: Pick<Config, 'imagesDir'>): Images {
  return imageBuilder({ recipesDir, imagesDir: config.imagesDir });
}

/**
 * Brings pool, network and base image of this node to what the configuration says, unless they are.
 *
 * @param onEvent  told each step
 * @returns the operation, or null when there was nothing to do
 * @throws {EngineError} image_missing, or why the operation failed
 */
export async function prepareNode(
  connected: EngineParts,
  { who, handover }: Command,
  onEvent: (message: string) => void,
): Promise<Operation | null> {
  const { parts, bus } = connected;
  const { config } = parts;
  const image = await parts.images.find(config.IMAGE);
  if (image === null) throw imageMissing(config.IMAGE);
  const fingerprint = nodeFingerprint(config, image);
  await mendNode(connected, handover, onEvent);
  if (await isPrepared(parts, fingerprint)) return null;
  // one that VMs live in by now is only told of
  await assertNoOverlap(connected);
  const node = await ensureNode(parts.database.direct, config.NODE_NAME, randomUUID());
  return recorder(parts, who)('node prepare', config.NODE_NAME, async () => {
    const { id } = await acceptHere(parts.database.direct, prepareNodeOperation, {
      stackId: node.stackId,
      input: { fingerprint },
    });
    const watching = new AbortController();
    const watched = watch(operations(parts, bus).events(id, { signal: watching.signal }), onEvent);
    try {
      const ended = await finishOperation(connected, id, node.stackId, handover).then(expectSuccess);
      // VMs of a network that was made anew hang in the air
      await mendNode(connected, handover, onEvent);
      await groundFixes.plug(connected);
      return ended;
    } finally {
      watching.abort();
      await watched;
    }
  });
}

async function watch(
  events: AsyncIterable<{ message: string }>,
  onEvent: (message: string) => void,
): Promise<void> {
  for await (const event of events) onEvent(event.message);
}

/**
 * Removes every hosting of this node and then the node's own pool, network and images. The service must be stopped.
 *
 * @throws {EngineError} why one of them could not be removed; a repeat goes on from there. validation_failed when the
 * VM of an ejected hosting is there: nothing was removed
 */
export async function removeEverything(
  connected: EngineParts,
  { who, handover }: Command,
  onEvent: (message: string) => void,
): Promise<void> {
  const { parts } = connected;
  const { config } = parts;
  const recorded = recorder(parts, who);
  await assertNoneEjected(parts);
  for (const hosting of await livingHostings(parts.database.direct, config.NODE_NAME)) {
    await recorded('teardown', hosting.id, async () => {
      const removal = await parts.database.transaction((tx) => acceptDelete(parts, tx, hosting));
      expectSuccess(await finishOperation(connected, removal.id, hosting.id, handover));
    });
    onEvent(`${hosting.vmName} removed`);
  }
  const node = await findNode(parts.database.direct, config.NODE_NAME);
  if (node === null) return;
  await recorded('node remove', config.NODE_NAME, async () => {
    const removal = await parts.database.transaction(async (tx) => {
      const before = await unendedOperation(tx, node.stackId, removeNode.kind);
      if (before !== null) await resumeStuck(tx, before.id);
      return before ?? acceptHere(tx, removeNode, { stackId: node.stackId });
    });
    expectSuccess(await finishOperation(connected, removal.id, node.stackId, handover));
  });
  onEvent('pool and network removed');
}

/** Ends the Nginx that this service started; its absence is success. */
export async function stopProxy(config: Config): Promise<void> {
  for (const dir of [config.nginxDir, path.join(config.nginxDir, 'ssh')]) {
    // a pid file of yesterday may name any process, and `-s stop` would end it
    if (!(await isRunning(dir))) continue;
    const stop = [config.NGINX_BIN, '-p', dir, '-c', path.join(dir, 'nginx.conf'), '-s', 'stop'];
    await runCommand(stop, { timeoutMs: 30_000 });
  }
}
