/**
 * A year of a thousand hostings, as a version that forgot nothing would have left it: so large that PostgreSQL does not
 * read a whole table where an index leads to the rows. Everything is made by PostgreSQL itself, in seconds.
 */
import { Client } from 'pg';

/** Tables that grow with time, not with what lives. */
export const growing = [
  'operations',
  'operation_steps',
  'operation_events',
  'runs',
  'audit_log',
  'idempotency_keys',
  'hostings',
  'api_tokens',
] as const;

export const living = 1_000;
const ended = 60_000;
/** Of each living hosting, and three of each ended one. */
const looks = 120;

const hostings = `
INSERT INTO users (email, email_key, username, password_hash)
  SELECT 'year-' || n || '@example.org', 'year-' || n || '@example.org', 'year-' || n, '' FROM generate_series(1, ${living}) n;
CREATE TEMP TABLE made AS
  SELECT n, gen_random_uuid() AS id, n <= ${living} AS lives, now() - (n % 365) * interval '1 day' - interval '1 h' AS at
  FROM generate_series(1, ${living + ended}) n;
INSERT INTO hostings (id, user_id, node, vm_name, status, image, memory_mib, vcpus, disk_gib, ip, mac, ssh_port,
    ssh_public_key, created_at, ready_at, ended_at)
  SELECT made.id, u.id, 'local', 'vm-' || left(made.id::text, 8), CASE WHEN lives THEN 'running' ELSE 'deleted' END, 'micro', 128, 1, 1,
    '10.90.0.0'::inet + n % 1000 + 10, '52:54:00:00:00:01', 10000 + n, 'ssh-ed25519 AAAA', at, at,
    CASE WHEN NOT lives THEN at + interval '1 h' END
  FROM made JOIN users u ON u.username = 'year-' || (made.n - 1) % ${living} + 1;
INSERT INTO stacks (id, kind, spec, state_serial, state_sealed, resource_names)
  SELECT id, 'hosting', '{}', 1, '\\x02', ARRAY['vm-' || left(id::text, 8)] FROM made WHERE lives;
INSERT INTO routes (hosting_id) SELECT id FROM made WHERE lives;
INSERT INTO ssh_ports (port, hosting_id) SELECT 10000 + n, id FROM made WHERE lives;
INSERT INTO address_leases (node, ip, hosting_id) SELECT 'local', '10.90.0.0'::inet + n % 1000 + 10, id FROM made WHERE lives;
INSERT INTO drift (stack_id, checked_at, asked_at) SELECT id, now() - interval '10 min', now() - interval '11 min' FROM made WHERE lives;
INSERT INTO leases (stack_id, owner, token, expires_at) SELECT id, 'w', 1, '-infinity' FROM made WHERE lives;
`;

const operations = `
CREATE TEMP TABLE done AS
  SELECT gen_random_uuid() AS id, made.id AS stack, 'plan-apply' AS kind, NULL::text AS username, now() - k * interval '71 h' / 2 AS at
    FROM made, generate_series(1, ${looks}) k WHERE lives
  UNION ALL
  SELECT gen_random_uuid(), made.id, kind, 'year-' || (made.n - 1) % ${living} + 1, at
    FROM made, unnest(ARRAY['create-hosting', 'sleep-hosting', 'delete-hosting']) kind WHERE NOT lives;
INSERT INTO operations (id, kind, stack_id, hosting_id, user_id, status, created_at, started_at, finished_at)
  SELECT done.id, kind, stack, stack, u.id, 'succeeded', at, at, at + interval '6 s'
  FROM done LEFT JOIN users u USING (username);
INSERT INTO operation_steps (operation_id, position, name, status, started_at, finished_at)
  SELECT id, position, 'step', 'done', at, at FROM done, generate_series(0, 1) position;
INSERT INTO operation_events (operation_id, number, at, type, message)
  SELECT id, number, at, 'progress', 'it goes on' FROM done, generate_series(1, 2) number;
INSERT INTO runs (id, stack_id, operation_id, kind, host, started_at, finished_at, exit_code)
  SELECT gen_random_uuid(), stack, id, 'plan', 'h', at, at, 0 FROM done WHERE kind <> 'delete-hosting' AND random() < 0.3;
INSERT INTO idempotency_keys (user_id, key, request_hash, hosting_id, operation_id, created_at)
  SELECT u.id, done.id::text, 'x', stack, done.id, at FROM done JOIN users u USING (username) WHERE kind = 'create-hosting';
`;

const others = `
INSERT INTO audit_log (at, user_id, actor, via, action, outcome)
  SELECT now() - (200000 - n) * interval '150 s', n % ${living}, 'year-' || n % ${living}, 'session', 'createHosting', 'done'
  FROM generate_series(1, 200000) n;
INSERT INTO api_tokens (id, user_id, name, prefix, hash, scopes, created_at, expires_at)
  SELECT gen_random_uuid(), u.id, 't', 'p', sha256((u.id || ' ' || n)::text::bytea), '{hosting:read}', now() - n * interval '9 days',
    now() - (n - 1) * interval '9 days'
  FROM users u, generate_series(1, 40) n;
`;

/** @param url  of a migrated database, with the node `local` */
export async function fillWithAYear(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  // what refers to what is known to be there
  await client.query(`SET session_replication_role = replica`);
  for (const statements of [hostings, operations, others]) await client.query(statements);
  await client.query('VACUUM ANALYZE');
  await client.end();
}
