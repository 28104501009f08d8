import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Counts of the machine, for an API that has none of its parts beside it. */
export class MachineReports1763800000035 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE worker_reports ADD COLUMN machine jsonb');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE worker_reports DROP COLUMN machine');
  }
}
