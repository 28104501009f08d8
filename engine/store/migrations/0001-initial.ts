import type { MigrationInterface, QueryRunner } from 'typeorm';

const accounts = `
CREATE TABLE users (
  id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email         text NOT NULL,
  username      text NOT NULL CONSTRAINT users_username_key UNIQUE,
  password_hash text NOT NULL,
  role          text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
  created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
`;

const hostings = `
CREATE TABLE nodes (
  name        text PRIMARY KEY,
  stack_id    uuid NOT NULL UNIQUE,
  domain_type text CHECK (domain_type IN ('kvm', 'qemu')),
  -- fingerprint of what the node was last prepared from; null until it is ready
  prepared    text,
  images      jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE hostings (
  id              uuid PRIMARY KEY,
  user_id         integer NOT NULL REFERENCES users,
  node            text NOT NULL REFERENCES nodes,
  vm_name         text NOT NULL,
  status          text NOT NULL CHECK (status IN ('creating', 'running', 'stopped', 'deleting', 'deleted', 'failed')),
  image           text NOT NULL,
  memory_mib      integer NOT NULL,
  vcpus           integer NOT NULL,
  disk_gib        integer NOT NULL,
  -- kept after the release, for the record; address_leases and ssh_ports decide who holds them
  ip              inet NOT NULL,
  mac             macaddr NOT NULL,
  ssh_port        integer NOT NULL,
  ssh_public_key  text NOT NULL,
  ssh_host_keys   text[] NOT NULL DEFAULT '{}',
  failure_code    text,
  failure_message text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  ready_at        timestamptz,
  ended_at        timestamptz
);
CREATE UNIQUE INDEX hostings_vm_name_key ON hostings (vm_name) WHERE status NOT IN ('deleted', 'failed');
-- the quota: one living hosting per user
CREATE UNIQUE INDEX hostings_quota_key ON hostings (user_id) WHERE status NOT IN ('deleted', 'failed');

CREATE TABLE address_leases (
  node       text NOT NULL REFERENCES nodes,
  ip         inet NOT NULL,
  hosting_id uuid NOT NULL UNIQUE REFERENCES hostings,
  PRIMARY KEY (node, ip)
);
CREATE TABLE ssh_ports (
  port       integer PRIMARY KEY,
  hosting_id uuid NOT NULL UNIQUE REFERENCES hostings
);
CREATE TABLE routes (
  hosting_id uuid PRIMARY KEY REFERENCES hostings,
  created_at timestamptz NOT NULL DEFAULT now()
);
`;

const stacks = `
CREATE TABLE stacks (
  id              uuid PRIMARY KEY,
  kind            text NOT NULL CHECK (kind IN ('hosting', 'node')),
  spec            jsonb,
  state_serial    bigint,
  state_sealed    bytea,
  state_saved_at  timestamptz
);
CREATE TABLE leases (
  stack_id   uuid PRIMARY KEY,
  owner      text NOT NULL,
  -- grows with every claim; a write that carries an older one is refused
  token      bigint NOT NULL,
  expires_at timestamptz NOT NULL
);
`;

const operations = `
CREATE TABLE operations (
  id               uuid PRIMARY KEY,
  kind             text NOT NULL,
  stack_id         uuid NOT NULL,
  hosting_id       uuid REFERENCES hostings,
  user_id          integer REFERENCES users,
  status           text NOT NULL CHECK (status IN ('pending', 'running', 'succeeded', 'unwinding', 'failed', 'stuck')),
  input            jsonb NOT NULL DEFAULT '{}',
  failure_code     text,
  failure_message  text,
  cancel_requested boolean NOT NULL DEFAULT false,
  events           integer NOT NULL DEFAULT 0,
  created_at       timestamptz NOT NULL DEFAULT now(),
  started_at       timestamptz,
  finished_at      timestamptz
);
CREATE INDEX operations_unfinished ON operations (stack_id, created_at) WHERE status IN ('pending', 'running', 'unwinding');
CREATE INDEX operations_hosting ON operations (hosting_id, created_at);

CREATE TABLE operation_steps (
  operation_id uuid NOT NULL REFERENCES operations,
  position     integer NOT NULL,
  name         text NOT NULL,
  status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'done', 'failed', 'undone', 'undo_failed')),
  output       jsonb,
  started_at   timestamptz,
  finished_at  timestamptz,
  PRIMARY KEY (operation_id, position)
);
CREATE TABLE operation_events (
  operation_id uuid NOT NULL REFERENCES operations,
  -- counted by the operation's row, whose lock makes events commit in the order of their numbers
  number       integer NOT NULL,
  at           timestamptz NOT NULL DEFAULT clock_timestamp(),
  type         text NOT NULL,
  message      text NOT NULL,
  data         jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (operation_id, number)
);
`;

const records = `
CREATE TABLE runs (
  id           uuid PRIMARY KEY,
  stack_id     uuid NOT NULL,
  operation_id uuid REFERENCES operations,
  kind         text NOT NULL CHECK (kind IN ('plan', 'apply', 'destroy')),
  -- which machine ran it
  host         text NOT NULL,
  started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at  timestamptz,
  exit_code    integer,
  timings      jsonb NOT NULL DEFAULT '[]',
  plan         jsonb,
  log          text NOT NULL DEFAULT ''
);
CREATE INDEX runs_by_stack ON runs (stack_id, started_at);

CREATE TABLE idempotency_keys (
  user_id      integer NOT NULL REFERENCES users,
  key          text NOT NULL,
  request_hash text NOT NULL,
  hosting_id   uuid REFERENCES hostings,
  operation_id uuid REFERENCES operations,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, key)
);
`;

/** Accounts, hostings with what they reserve, durable operations, stacks with their state, runs. */
export class Initial1763800000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statements of [accounts, hostings, stacks, operations, records])
      await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE idempotency_keys, runs, operation_events, operation_steps, operations, leases, stacks, routes,
        ssh_ports, address_leases, hostings, nodes, users;
    `);
  }
}
