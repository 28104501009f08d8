import type { MigrationInterface, QueryRunner } from 'typeorm';

const records = `
CREATE TABLE sweeps (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  ms       integer NOT NULL,
  findings jsonb NOT NULL
);
-- one row: whose turn it is
CREATE TABLE sweep_turns (
  one      boolean PRIMARY KEY DEFAULT true CHECK (one),
  taken_at timestamptz NOT NULL
);
INSERT INTO sweep_turns (taken_at) VALUES ('-infinity');
CREATE TABLE restores (
  at             timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
  -- what was made after this moment is unknown to the database
  backup_made_at timestamptz NOT NULL
);
`;

/** What the sweeps found, and when this database was brought back from a backup. */
export class SweepsAndRestores1763800000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(records);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE restores, sweep_turns, sweeps');
  }
}
