/**
 * The state files of workspaces against the sealed copies in the database. A file that is newer than its copy is what a
 * killed run left, and the next one goes on from it; one that says the same under another serial was edited.
 */
import { createHash } from 'node:crypto';

/** `unreadable`: no state at all; `edited`: another serial or another text than Terraform wrote. */
export type LocalState = 'good' | 'unreadable' | 'edited';

interface StateText {
  readonly serial: number;
  readonly lineage: string;
  readonly resources: unknown;
}

/** @param local  the file of the workspace. @param sealed  the copy in the database, opened */
export function judgeState(local: Buffer, sealed: Buffer): LocalState {
  const [here, kept] = [parseState(local), parseState(sealed)];
  if (here === null) return 'unreadable';
  // what cannot be compared is not judged
  if (kept === null || here.lineage !== kept.lineage) return kept === null ? 'good' : 'edited';
  const isSameContent = digest(here.resources) === digest(kept.resources);
  if (here.serial === kept.serial) return isSameContent ? 'good' : 'edited';
  return here.serial > kept.serial && isSameContent ? 'edited' : 'good';
}

/** null when it is no state. */
export function parseState(content: Buffer): StateText | null {
  try {
    const { serial, lineage, resources } = JSON.parse(content.toString('utf8')) as Partial<StateText>;
    if (typeof serial !== 'number' || !Array.isArray(resources)) return null;
    return { serial, lineage: lineage ?? '', resources };
  } catch {
    return null;
  }
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
