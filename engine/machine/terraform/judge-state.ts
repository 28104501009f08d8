/**
 * The state files of workspaces against the sealed copies in the database, by what is kept beside the seal. A file that
 * is newer than its copy is what a killed run left, and the next one goes on from it; one that says the same under
 * another serial was edited.
 */
import { createHash } from 'node:crypto';

/** `unreadable`: no state at all; `edited`: another serial or another text than Terraform wrote. */
export type LocalState = 'good' | 'unreadable' | 'edited';

/** By what a state is known again. */
export interface StateMark {
  readonly serial: number;
  /** Terraform's name for one history of a stack; empty where there is none. */
  readonly lineage: string;
  /** SHA-256 of its resources, in hex. */
  readonly digest: string;
}

/** @param local  the file of the workspace. @param kept  of the copy in the database; null is not judged by */
export function judgeState(local: Buffer, kept: StateMark | null): LocalState {
  const here = markOf(local);
  if (here === null) return 'unreadable';
  if (kept === null) return 'good';
  if (here.lineage !== kept.lineage) return 'edited';
  const isSameContent = here.digest === kept.digest;
  if (here.serial === kept.serial) return isSameContent ? 'good' : 'edited';
  return here.serial > kept.serial && isSameContent ? 'edited' : 'good';
}

/** null when it is no state. */
export function markOf(state: Buffer): StateMark | null {
  try {
    const { serial, lineage, resources } = JSON.parse(state.toString('utf8')) as {
      serial?: unknown;
      lineage?: string;
      resources?: unknown;
    };
    if (typeof serial !== 'number' || !Array.isArray(resources)) return null;
    const digest = createHash('sha256').update(JSON.stringify(resources)).digest('hex');
    return { serial, lineage: lineage ?? '', digest };
  } catch {
    return null;
  }
}
