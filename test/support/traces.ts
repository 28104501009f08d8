/** What there is in a world, wherever a hosting or a node leaves something: for "as before" and "nothing left". */
import { existsSync, readdirSync } from 'node:fs';
import type { World } from '../worlds/world';

const tables = {
  ports: 'SELECT port, hosting_id FROM ssh_ports ORDER BY port',
  addresses: 'SELECT host(ip) AS ip, hosting_id FROM address_leases ORDER BY ip',
  routes: 'SELECT hosting_id FROM routes ORDER BY 1',
  stacks: 'SELECT id, kind FROM stacks ORDER BY id',
  hostings: `SELECT id, status FROM hostings WHERE status NOT IN ('deleted', 'failed') ORDER BY id`,
  ejections: 'SELECT hosting_id, spec, state_serial FROM ejections ORDER BY 1',
  nodes: 'SELECT name, prepared FROM nodes ORDER BY name',
} as const;

export type Traces = Readonly<Record<string, unknown>>;

export async function tracesOf({ config, host, parts }: World): Promise<Traces> {
  const { domains, volumes, routes: served } = host.remains();
  const rows = await Promise.all(
    Object.entries(tables).map(async ([name, sql]) => [name, await parts.database.direct.query(sql)]),
  );
  return {
    domains: domains.sort(),
    volumes: volumes.sort(),
    served,
    active: [...host.active].sort(),
    workspaces: existsSync(config.workspacesDir) ? readdirSync(config.workspacesDir).sort() : [],
    ...(Object.fromEntries(rows) as Record<keyof typeof tables, unknown>),
  };
}
