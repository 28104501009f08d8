import type { MigrationInterface, QueryRunner } from 'typeorm';

const indexes = `
CREATE INDEX operations_open ON operations (status, created_at) WHERE status IN ('pending', 'running', 'unwinding', 'stuck');
CREATE INDEX operations_newest ON operations (created_at DESC, id);
`;

/** For the list of operations and the metrics: neither may become slow as the history grows. */
export class OpenOperations1763800000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(indexes);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX operations_newest, operations_open');
  }
}
