import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is open is a handful; each of these stays as small as what it tells of, or finds its rows by their whole key. */
const indexes = `
DROP INDEX operations_unfinished, operations_hosting;
CREATE INDEX operations_open_of_stack ON operations (stack_id, created_at)
  WHERE status IN ('pending', 'running', 'unwinding', 'stuck');
CREATE INDEX operations_open_of_user ON operations (user_id) WHERE status IN ('pending', 'running', 'unwinding');
-- when a stack was last touched; a look touches nothing
CREATE INDEX operations_of_stack ON operations (stack_id, finished_at) WHERE kind <> 'check-drift';
CREATE INDEX operations_of_hosting ON operations (hosting_id, kind, created_at);
CREATE INDEX operations_failed ON operations (created_at DESC, id) WHERE status = 'failed';
CREATE INDEX operations_spares_made ON operations (status, created_at) WHERE kind = 'make-spare';
CREATE INDEX hostings_living ON hostings (created_at, id) WHERE status NOT IN ('deleted', 'failed');
`;

const dropIndexes = `
DROP INDEX hostings_living, operations_spares_made, operations_failed, operations_of_hosting,
  operations_of_stack, operations_open_of_user, operations_open_of_stack;
CREATE INDEX operations_unfinished ON operations (stack_id, created_at) WHERE status IN ('pending', 'running', 'unwinding');
CREATE INDEX operations_hosting ON operations (hosting_id, created_at);
`;

/** Where an operation waits is its own, whoever wakes a worker for it; and no statement that is made again and again reads a table that grows. */
export class QuickStatements1763800000028 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE operations
        ADD COLUMN lane text NOT NULL DEFAULT 'boots' CHECK (lane IN ('boots', 'quick')),
        ADD COLUMN priority integer NOT NULL DEFAULT 0`);
    // what an earlier version has accepted waits on as it did
    await runner.query(`
      UPDATE operations SET lane = CASE WHEN kind IN ('claim-spare', 'wake-hosting') THEN 'quick' ELSE 'boots' END,
        priority = CASE WHEN kind IN ('check-drift', 'make-spare') AND user_id IS NULL THEN 100 ELSE 0 END
      WHERE status IN ('pending', 'running', 'unwinding', 'stuck')`);
    await runner.query(indexes);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(dropIndexes);
    await runner.query(`ALTER TABLE operations DROP COLUMN priority, DROP COLUMN lane`);
  }
}
