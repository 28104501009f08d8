/** Archives of backups from within, for tests that take one apart or forge one. The room hands out whole backups only. */
export { readText, withBackup } from '../../engine/backup/archive-reader';
export { writeArchive } from '../../engine/backup/archive-writer';
export { loadDatabase } from '../../engine/backup/load-database';
export { type Manifest, names } from '../../engine/backup/manifest';
