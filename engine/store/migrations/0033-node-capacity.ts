import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a node has, measured again and again by its worker; null where none has measured it yet. */
export class NodeCapacity1763800000033 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE nodes ADD COLUMN capacity jsonb`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE nodes DROP COLUMN capacity`);
  }
}
