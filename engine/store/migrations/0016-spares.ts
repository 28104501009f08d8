import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = `
ALTER TABLE hostings ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE hostings DROP CONSTRAINT hostings_status_check;
ALTER TABLE hostings ADD CONSTRAINT hostings_status_check CHECK (status IN
  ('warming', 'spare', 'creating', 'running', 'stopped', 'deleting', 'deleted', 'failed', 'ejected'));
-- nobody's until it is claimed, somebody's ever after; one that was never claimed only ends
ALTER TABLE hostings ADD CONSTRAINT hostings_owner_check CHECK (
  CASE WHEN user_id IS NULL THEN status IN ('warming', 'spare', 'deleting', 'deleted', 'failed')
       ELSE status NOT IN ('warming', 'spare') END);
CREATE INDEX hostings_spares ON hostings (node, ready_at) WHERE status = 'spare';
`;

/** Hostings that nobody owns yet. */
export class Spares1763800000016 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(up);
  }

  /** Remove the spares first (WARM_POOL_SIZE=0): what is left of them would belong to nobody. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX hostings_spares;
      ALTER TABLE hostings DROP CONSTRAINT hostings_owner_check;
      ALTER TABLE hostings DROP CONSTRAINT hostings_status_check;
      ALTER TABLE hostings ADD CONSTRAINT hostings_status_check
        CHECK (status IN ('creating', 'running', 'stopped', 'deleting', 'deleted', 'failed', 'ejected'));
      UPDATE operations SET hosting_id = NULL WHERE hosting_id IN (SELECT id FROM hostings WHERE user_id IS NULL);
      DELETE FROM hostings WHERE user_id IS NULL;
      ALTER TABLE hostings ALTER COLUMN user_id SET NOT NULL`);
  }
}
