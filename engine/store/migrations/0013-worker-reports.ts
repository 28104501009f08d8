import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What each worker last said of the parts that only it can reach, for an API on another machine or in a container. */
export class WorkerReports1763800000013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE worker_reports (
         worker text PRIMARY KEY,
         at timestamptz NOT NULL,
         components jsonb NOT NULL
       )`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE worker_reports`);
  }
}
