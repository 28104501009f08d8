import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a node can limit, found out when it is prepared; null where no filter has been put yet. */
export class GuestLimits1763800000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE nodes ADD COLUMN limits jsonb`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE nodes DROP COLUMN limits`);
  }
}
