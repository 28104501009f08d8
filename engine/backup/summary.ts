/** What an operator wants to know of a backup. */
import type { Manifest } from './manifest';
import { withBackup } from './archive-reader';

export interface BackupSummary {
  /** Of the product that made it. */
  readonly version: string;
  readonly madeAt: Date;
  /** Size of the file. */
  readonly bytes: number;
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  readonly rows: number;
  /** That it took to make or to check it. */
  readonly seconds: number;
}

/** @param started  by `performance.now()` */
export function summarize(
  { version, madeAt, tables }: Manifest,
  bytes: number,
  started: number,
): BackupSummary {
  return {
    version,
    madeAt: new Date(madeAt),
    bytes,
    tables: tables.map(({ name, rows }) => ({ name, rows })),
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    seconds: Math.round(performance.now() - started) / 1000,
  };
}

/** Reads a backup as a restore would, without any database. @throws {EngineError} validation_failed */
export async function verifyBackup(file: string): Promise<BackupSummary> {
  const started = performance.now();
  return withBackup(file, ({ archive, manifest }) =>
    Promise.resolve(summarize(manifest, archive.size, started)),
  );
}
