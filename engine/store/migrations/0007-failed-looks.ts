import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When a look for drift was last asked for: one that was asked for and never recorded has failed. */
export class FailedLooks1763800000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE drift ADD COLUMN asked_at timestamptz,
        ALTER COLUMN checked_at DROP NOT NULL, ALTER COLUMN checked_at DROP DEFAULT,
        ALTER COLUMN differences SET DEFAULT '[]'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM drift WHERE checked_at IS NULL`);
    await runner.query(`
      ALTER TABLE drift DROP COLUMN asked_at,
        ALTER COLUMN checked_at SET NOT NULL, ALTER COLUMN checked_at SET DEFAULT clock_timestamp(),
        ALTER COLUMN differences DROP DEFAULT`);
  }
}
