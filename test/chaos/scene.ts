/** What a case is played with: one hosting of a new user, and the operation that is hit. */
import type { Account } from '../worlds/system';
import type { Case } from './cases';
import { eventually } from './eventually';
import type { Stage } from './stage';
import type { Hosting } from './traces';

/** Enough for a busy machine: an apply that hangs until the engine ends it, a lease that runs out, a boot, an undo. */
export const operationDeadlineMs = 540_000;

/** One hosting and the operation that is being hit. */
export interface Scene {
  readonly stage: Stage;
  readonly it: Case;
  readonly account: Account;
  readonly hosting: Hosting;
  readonly operationId: string;
  readonly signal: AbortSignal;
}

/** Asks for a hosting, or for its removal, and does not wait. @throws {Error} when it is refused */
export async function request(
  { stage, account }: Pick<Scene, 'stage' | 'account'>,
  method: 'POST' | 'DELETE',
): Promise<Pick<Scene, 'hosting' | 'operationId'>> {
  const { token, userId, username } = account;
  const answer = await stage.system.call(method, method === 'POST' ? '/host' : '/host/my', {
    token,
    headers: { prefer: 'respond-async' },
    ...(method === 'POST' ? { body: {} } : {}),
  });
  if (!answer.body.success) throw new Error(`${method} was refused: ${answer.body.message}`);
  const { hosting, operation } = answer.body.data;
  return {
    hosting: { id: hosting.id, vmName: hosting.vm_id, userId, username },
    operationId: operation.id,
  };
}

async function statusOf({ stage, operationId }: Pick<Scene, 'stage' | 'operationId'>): Promise<string> {
  const { rows } = await stage.database.query<{ status: string }>(
    'SELECT status FROM operations WHERE id = $1',
    [operationId],
  );
  return rows[0]?.status ?? 'unknown';
}

export async function hasEnded(scene: Pick<Scene, 'stage' | 'operationId'>): Promise<boolean> {
  return ['succeeded', 'failed', 'stuck'].includes(await statusOf(scene));
}

/** @returns how the operation ended */
export async function endOf(scene: Pick<Scene, 'stage' | 'operationId' | 'signal'>): Promise<string> {
  const patience = {
    timeoutMs: operationDeadlineMs,
    what: `operation ${scene.operationId} ends`,
    signal: scene.signal,
  };
  return eventually(patience, async () => ((await hasEnded(scene)) ? statusOf(scene) : null));
}
