import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What hostings are grouped by, e.g. {"course": "cs101"}. */
export class Labels1763800000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE hostings ADD COLUMN labels jsonb NOT NULL DEFAULT '{}'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE hostings DROP COLUMN labels`);
  }
}
