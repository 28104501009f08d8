import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How a hosting that should run was found: its status says what is meant to be, this says what is. */
export class Troubles1763800000024 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE hostings ADD COLUMN trouble text CHECK (trouble IN ('off', 'paused', 'unreachable', 'lost'))`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE hostings DROP COLUMN trouble`);
  }
}
