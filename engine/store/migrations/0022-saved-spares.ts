import type { MigrationInterface, QueryRunner } from 'typeorm';

const ofUsers = `'creating', 'running', 'sleeping', 'stopped', 'ejected'`;
const ofNobody = (spares: string): string => `
ALTER TABLE hostings DROP CONSTRAINT hostings_status_check;
ALTER TABLE hostings ADD CONSTRAINT hostings_status_check CHECK (status IN (${spares}, ${ofUsers}, 'deleting', 'deleted', 'failed'));
ALTER TABLE hostings DROP CONSTRAINT hostings_owner_check;
ALTER TABLE hostings ADD CONSTRAINT hostings_owner_check CHECK (
  CASE WHEN user_id IS NULL THEN status IN (${spares}, 'deleting', 'deleted', 'failed')
       ELSE status NOT IN (${spares}) END);`;

/** Spares that are saved to the disk. */
export class SavedSpares1763800000022 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ${ofNobody(`'warming', 'spare', 'saved'`)}
      DROP INDEX hostings_spares;
      CREATE INDEX hostings_spares ON hostings (node, ready_at) WHERE status IN ('spare', 'saved')`);
  }

  /** An earlier release takes a saved spare for one that is off, and makes another in its place. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      UPDATE hostings SET status = 'spare' WHERE status = 'saved';
      ${ofNobody(`'warming', 'spare'`)}
      DROP INDEX hostings_spares;
      CREATE INDEX hostings_spares ON hostings (node, ready_at) WHERE status = 'spare'`);
  }
}
