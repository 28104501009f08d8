import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How a worker's reconcilers are, for health and metrics. */
export class ReconcilerLooks1763800000036 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE worker_reports ADD COLUMN looks jsonb');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE worker_reports DROP COLUMN looks');
  }
}
