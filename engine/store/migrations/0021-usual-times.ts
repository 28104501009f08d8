import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How long operations took lately is asked whenever somebody waits for one. */
export class UsualTimes1763800000021 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE INDEX operations_ended ON operations (finished_at) WHERE status = 'succeeded'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX operations_ended`);
  }
}
