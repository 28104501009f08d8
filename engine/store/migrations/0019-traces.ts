import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The trace of the request that asked for an operation (W3C's `traceparent`), so that its work belongs to it. */
export class Traces1763800000019 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE operations ADD COLUMN trace_parent text
        CHECK (trace_parent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE operations DROP COLUMN trace_parent`);
  }
}
