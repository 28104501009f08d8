import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How a hosting that should run was found: its status says what is meant to be, this says what is. */
export class Troubles1763800000024 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE hostings ADD COLUMN trouble text CHECK (trouble IN ('off', 'paused', 'unreachable', 'lost'))`,
    );
    // why the newest look for drift failed
    await runner.query(
      `CREATE INDEX operations_failed_looks ON operations (stack_id, created_at DESC)
       WHERE kind = 'check-drift' AND failure_code IS NOT NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX operations_failed_looks`);
    await runner.query(`ALTER TABLE hostings DROP COLUMN trouble`);
  }
}
