import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = `
CREATE TABLE retired_usernames (
  username   text COLLATE "C" PRIMARY KEY,
  retired_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX retired_usernames_age ON retired_usernames (retired_at);

-- whoever takes a name away from an account, the service or an operator in psql; a restore leaves the function
CREATE OR REPLACE FUNCTION retire_username() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO retired_usernames (username) VALUES (OLD.username)
    ON CONFLICT (username) DO UPDATE SET retired_at = EXCLUDED.retired_at;
  RETURN NULL;
END $$;
CREATE TRIGGER users_renamed AFTER UPDATE OF username ON users
  FOR EACH ROW WHEN (OLD.username <> NEW.username) EXECUTE FUNCTION retire_username();
CREATE TRIGGER users_deleted AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION retire_username();
`;

/** A username is a host name, to which links, cookies and trust of its visitors still lead: it rests before it is free. */
export class RetiredUsernames1763800000031 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(up);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER users_renamed ON users;
      DROP TRIGGER users_deleted ON users;
      DROP FUNCTION retire_username();
      DROP TABLE retired_usernames`);
  }
}
