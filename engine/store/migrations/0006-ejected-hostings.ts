import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = `
ALTER TABLE hostings DROP CONSTRAINT hostings_status_check;
ALTER TABLE hostings ADD CONSTRAINT hostings_status_check
  CHECK (status IN ('creating', 'running', 'stopped', 'deleting', 'deleted', 'failed', 'ejected'));
-- whose VM was ejected may have another; hostings_vm_name_key stays as it is: the VM lives, and so does its name
DROP INDEX hostings_quota_key;
CREATE UNIQUE INDEX hostings_quota_key ON hostings (user_id) WHERE status NOT IN ('deleted', 'failed', 'ejected');

-- what an ejected hosting was when it was let go; apart from stacks, so that nothing plans or applies it any more
CREATE TABLE ejections (
  hosting_id   uuid PRIMARY KEY REFERENCES hostings,
  ejected_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  spec         jsonb NOT NULL,
  state_serial bigint NOT NULL,
  state_sealed bytea NOT NULL
);
`;

/** Hostings whose VM lives on in somebody else's hands. */
export class EjectedHostings1763800000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(up);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE ejections;
      UPDATE hostings SET status = 'deleted' WHERE status = 'ejected';
      DROP INDEX hostings_quota_key;
      CREATE UNIQUE INDEX hostings_quota_key ON hostings (user_id) WHERE status NOT IN ('deleted', 'failed');
      ALTER TABLE hostings DROP CONSTRAINT hostings_status_check;
      ALTER TABLE hostings ADD CONSTRAINT hostings_status_check
        CHECK (status IN ('creating', 'running', 'stopped', 'deleting', 'deleted', 'failed'))`);
  }
}
