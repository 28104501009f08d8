import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = `
-- whose name the audit log has: the user whose hosting it is may be another
ALTER TABLE operations ADD COLUMN requested_by text;

-- what was accepted and goes on is not done yet
ALTER TABLE audit_log DROP CONSTRAINT audit_log_outcome_check;
ALTER TABLE audit_log ADD CONSTRAINT audit_log_outcome_check
  CHECK (outcome IN ('begun', 'done', 'refused', 'failed'));

-- an administrator's, for every hosting that this user has and will have
ALTER TABLE users ADD COLUMN labels jsonb NOT NULL DEFAULT '{}';
-- the last hosting of a user, whose labels the next one takes over
CREATE INDEX hostings_of_user ON hostings (user_id, created_at DESC);
`;

const down = `
DROP INDEX hostings_of_user;
ALTER TABLE users DROP COLUMN labels;
ALTER TABLE audit_log DROP CONSTRAINT audit_log_outcome_check;
ALTER TABLE audit_log ADD CONSTRAINT audit_log_outcome_check
  CHECK (outcome IN ('done', 'refused', 'failed')) NOT VALID;
ALTER TABLE operations DROP COLUMN requested_by;
`;

/** Records that tell who asked and how far it is, and labels that outlive a hosting. */
export class Records1763800000026 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(up);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(down);
  }
}
