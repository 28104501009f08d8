import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often a step was begun; its time counts from the first. */
export class StepTries1763800000023 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE operation_steps ADD COLUMN tries integer NOT NULL DEFAULT 0`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE operation_steps DROP COLUMN tries`);
  }
}
