import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = `
ALTER TABLE users
  -- stands in every access token; one more makes all those issued before void
  ADD COLUMN session_version integer NOT NULL DEFAULT 1,
  -- the row stays for what refers to it, without anything personal
  ADD COLUMN deleted_at timestamptz;

-- access tokens that were signed out of before their end
CREATE TABLE ended_sessions (
  id         uuid PRIMARY KEY,
  expires_at timestamptz NOT NULL
);

CREATE TABLE api_tokens (
  id           uuid PRIMARY KEY,
  user_id      integer NOT NULL REFERENCES users,
  name         text NOT NULL,
  -- what may be shown of it
  prefix       text NOT NULL,
  -- SHA-256: a token is 256 random bits, so that nothing slower is needed
  hash         bytea NOT NULL CONSTRAINT api_tokens_hash_key UNIQUE,
  scopes       text[] NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at   timestamptz NOT NULL,
  last_used_at timestamptz,
  revoked_at   timestamptz
);
CREATE INDEX api_tokens_user_id_idx ON api_tokens (user_id);

-- what has been used up of a limit, until when
CREATE TABLE rate_limits (
  key     text PRIMARY KEY,
  points  integer NOT NULL,
  ends_at timestamptz NOT NULL
);
`;

/** Sign-outs, personal API tokens, deleted accounts, and attempts that are counted. */
export class Accounts1763800000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(up);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE rate_limits, api_tokens, ended_sessions;
      ALTER TABLE users DROP COLUMN deleted_at, DROP COLUMN session_version`);
  }
}
