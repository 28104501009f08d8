import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What belongs to an operation goes with it; each reference has an index, or a deletion would read the whole table. */
const references = `
ALTER TABLE operation_steps DROP CONSTRAINT operation_steps_operation_id_fkey,
  ADD FOREIGN KEY (operation_id) REFERENCES operations ON DELETE CASCADE;
ALTER TABLE operation_events DROP CONSTRAINT operation_events_operation_id_fkey,
  ADD FOREIGN KEY (operation_id) REFERENCES operations ON DELETE CASCADE;
ALTER TABLE runs DROP CONSTRAINT runs_operation_id_fkey,
  ADD FOREIGN KEY (operation_id) REFERENCES operations ON DELETE CASCADE;
ALTER TABLE idempotency_keys
  DROP CONSTRAINT idempotency_keys_operation_id_fkey, DROP CONSTRAINT idempotency_keys_hosting_id_fkey,
  ADD FOREIGN KEY (operation_id) REFERENCES operations ON DELETE CASCADE,
  ADD FOREIGN KEY (hosting_id) REFERENCES hostings ON DELETE CASCADE;
CREATE INDEX idempotency_keys_operation ON idempotency_keys (operation_id);
CREATE INDEX idempotency_keys_hosting ON idempotency_keys (hosting_id);
`;

/** What is deleted is found from its oldest on. */
const byAge = `
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
DROP INDEX operations_ended;
CREATE INDEX operations_ended ON operations (finished_at) WHERE status IN ('succeeded', 'failed');
CREATE INDEX hostings_ended ON hostings (ended_at) WHERE status IN ('deleted', 'failed');
CREATE INDEX runs_age ON runs (started_at);
CREATE INDEX api_tokens_ended ON api_tokens (least(revoked_at, expires_at));
`;

const names = `
-- what the state knows of, so that a sweep need not open it; null where nobody has looked yet
ALTER TABLE stacks ADD COLUMN resource_names text[];
-- by what the state is known again: serial, lineage and digest; null where nobody has looked yet
ALTER TABLE stacks ADD COLUMN state_mark jsonb;
ALTER TABLE ejections ADD COLUMN resource_names text[];
`;

const turns = `
CREATE TABLE turns (
  name     text PRIMARY KEY,
  taken_at timestamptz NOT NULL
);
INSERT INTO turns (name, taken_at) SELECT 'sweep', taken_at FROM sweep_turns;
DROP TABLE sweep_turns;
-- one is kept only while somebody works on the stack, or may again
DELETE FROM leases l WHERE expires_at = '-infinity' AND NOT EXISTS (SELECT 1 FROM stacks s WHERE s.id = l.stack_id);
`;

/** @param old  when a record may be deleted, as a condition */
const auditTrigger = (old: string): string => `
CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  -- a restore empties every table before it loads it, and this one is empty then
  IF TG_OP = 'TRUNCATE' AND NOT EXISTS (SELECT 1 FROM audit_log) THEN RETURN NULL; END IF;
  ${old}
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;`;

/** Nothing grows for ever: records have an age at which they go, and what a state knows of is beside its seal. */
export class BoundedGrowth1763800000029 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statements of [references, byAge, names, turns]) await runner.query(statements);
    // AUDIT_KEEP_DAYS is not below 90 either
    await runner.query(
      auditTrigger(`IF TG_OP = 'DELETE' AND OLD.at < now() - interval '90 days' THEN RETURN OLD; END IF;`),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(auditTrigger(''));
    await runner.query(`
      CREATE TABLE sweep_turns (one boolean PRIMARY KEY DEFAULT true CHECK (one), taken_at timestamptz NOT NULL);
      INSERT INTO sweep_turns (taken_at) SELECT coalesce(max(taken_at), '-infinity') FROM turns WHERE name = 'sweep';
      DROP TABLE turns;
      ALTER TABLE ejections DROP COLUMN resource_names;
      ALTER TABLE stacks DROP COLUMN resource_names, DROP COLUMN state_mark;
      DROP INDEX api_tokens_ended, runs_age, hostings_ended, operations_ended, idempotency_keys_age,
        idempotency_keys_hosting, idempotency_keys_operation;
      CREATE INDEX operations_ended ON operations (finished_at) WHERE status = 'succeeded'`);
    for (const [table, column, target] of [
      ['operation_steps', 'operation_id', 'operations'],
      ['operation_events', 'operation_id', 'operations'],
      ['runs', 'operation_id', 'operations'],
      ['idempotency_keys', 'operation_id', 'operations'],
      ['idempotency_keys', 'hosting_id', 'hostings'],
    ])
      await runner.query(
        `ALTER TABLE ${table} DROP CONSTRAINT ${table}_${column}_fkey, ADD FOREIGN KEY (${column}) REFERENCES ${target}`,
      );
  }
}
