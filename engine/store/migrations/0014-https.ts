import type { MigrationInterface, QueryRunner } from 'typeorm';

const up = `
-- what certificates are ordered with; one account per authority
CREATE TABLE acme_accounts (
  directory_url text PRIMARY KEY,
  key_sealed    bytea NOT NULL,
  thumbprint    text NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- a row without a chain is one that could not be had so far
CREATE TABLE certificates (
  name         text PRIMARY KEY,
  source       text NOT NULL CHECK (source IN ('self-signed', 'files', 'acme')),
  names        text[] NOT NULL,
  chain        text,
  key_sealed   bytea,
  not_after    timestamptz,
  renew_at     timestamptz,
  ask_again_at timestamptz,
  failures     integer NOT NULL DEFAULT 0,
  failure      text,
  next_try_at  timestamptz,
  issued_at    timestamptz,
  CHECK ((chain IS NULL) = (key_sealed IS NULL) AND (chain IS NULL) = (not_after IS NULL))
);

-- anybody may say that a domain is theirs; one at most has proved it
CREATE TABLE domains (
  hosting_id  uuid NOT NULL REFERENCES hostings,
  name        text NOT NULL,
  token       text NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  verified_at timestamptz,
  PRIMARY KEY (hosting_id, name)
);
CREATE UNIQUE INDEX domains_name_key ON domains (name) WHERE verified_at IS NOT NULL;
`;

/** Certificates and the account they come from, and domains that users bring. */
export class Https1763800000014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(up);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE domains, certificates, acme_accounts');
  }
}
