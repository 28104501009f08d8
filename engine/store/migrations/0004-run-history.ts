import type { MigrationInterface, QueryRunner } from 'typeorm';

const columns = `
ALTER TABLE runs
  -- what an apply of the plan does, in short
  ADD COLUMN changes   jsonb,
  ADD COLUMN plan_text text,
  -- name -> version, e.g. {"terraform": "Terraform 1.11.4", "libvirt": "0.8.3"}
  ADD COLUMN tools     jsonb NOT NULL DEFAULT '{}';
CREATE INDEX runs_by_operation ON runs (operation_id);
`;

/** What a run planned, for people, and what ran it. */
export class RunHistory1763800000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(columns);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX runs_by_operation;
      ALTER TABLE runs DROP COLUMN tools, DROP COLUMN plan_text, DROP COLUMN changes`);
  }
}
