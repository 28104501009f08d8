import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = `
CREATE TABLE audit_log (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- numbers and names as they were, not references: a record outlives what it tells of
  user_id    integer,
  actor      text NOT NULL,
  via        text NOT NULL CHECK (via IN ('session', 'token', 'none', 'machine')),
  action     text NOT NULL,
  target     text,
  outcome    text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
  code       text,
  address    text,
  request_id text
);
CREATE INDEX audit_log_user_id_idx ON audit_log (user_id, id);
CREATE INDEX audit_log_action_idx ON audit_log (action, id);

-- a restore drops the table and leaves the function
CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  -- a restore empties every table before it loads it, and this one is empty then
  IF TG_OP = 'TRUNCATE' AND NOT EXISTS (SELECT 1 FROM audit_log) THEN RETURN NULL; END IF;
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_rows BEFORE UPDATE OR DELETE ON audit_log
  FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_log_whole BEFORE TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
`;

/** Who changed what, from where, and how it went. */
export class Audit1763800000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(up);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE audit_log; DROP FUNCTION refuse_audit_change()`);
  }
}
