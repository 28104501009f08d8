import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the last look at each stack found. */
export class Drift1763800000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE drift (
        stack_id    uuid PRIMARY KEY,
        checked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
        differences jsonb NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE drift');
  }
}
