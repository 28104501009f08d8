/** What PostgreSQL does for a statement, as far as tables that grow are concerned. */
import { Client } from 'pg';

export interface Asked {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Every statement that any connection of this process is given from here on, each text once. @returns what was given so far */
export function listenIn(): { readonly asked: ReadonlyMap<string, Asked>; stop(): void } {
  const asked = new Map<string, Asked>();
  const usual = Client.prototype.query as (...args: unknown[]) => unknown;
  Client.prototype.query = function (this: Client, ...args: unknown[]) {
    const [first, second] = args as [string | { text?: string; values?: unknown[] } | undefined, unknown];
    const text = typeof first === 'string' ? first : first?.text;
    const values = Array.isArray(second) ? second : typeof first === 'object' ? first.values : undefined;
    if (text !== undefined && !asked.has(text)) asked.set(text, { text, values: [...(values ?? [])] });
    return usual.apply(this, args);
  } as typeof Client.prototype.query;
  return {
    asked,
    stop: () => {
      Client.prototype.query = usual as typeof Client.prototype.query;
    },
  };
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

export interface Growing {
  readonly tables: readonly string[];
  /** Rows that a statement may read of one of them. */
  readonly most: number;
}

/**
 * Plans a statement, runs it, and takes back what it did.
 *
 * @returns what it reads of tables that grow and should not, e.g. `Seq Scan of operations`; nothing when it leads to its
 * rows by an index, and they are few
 */
export async function readsTooMuch(client: Client, asked: Asked, growing: Growing): Promise<string[]> {
  const found = await planOf(client, asked, 'FORMAT JSON');
  const large = await largeIndexes(client, growing);
  const planned = nodesOf(found).flatMap(({ limited, ...node }) => {
    if (!growing.tables.includes(node['Relation Name'] ?? '')) return [];
    const kind = node['Node Type'];
    const isWhole =
      kind === 'Seq Scan' ||
      (!limited && node['Index Cond'] === undefined && large.has(node['Index Name'] ?? ''));
    return isWhole ? [`${kind} of ${node['Relation Name'] ?? ''}`] : [];
  });
  return planned.length > 0 ? planned : readRows(client, asked, growing);
}

/** By what it reads when it runs: an index may lead to all rows. What cannot run twice is not run. */
async function readRows(client: Client, asked: Asked, { tables, most }: Growing): Promise<string[]> {
  const ran = await planOf(client, asked, 'ANALYZE, TIMING OFF, FORMAT JSON').catch(
    (error: { code?: string }) => {
      if (error.code?.startsWith('23')) return null;
      throw error;
    },
  );
  return nodesOf(ran).flatMap((node) => {
    const table = node['Relation Name'] ?? '';
    if (!tables.includes(table) || node['Node Type'] === 'ModifyTable') return [];
    const read =
      (node['Actual Loops'] ?? 0) *
      ((node['Actual Rows'] ?? 0) +
        (node['Rows Removed by Filter'] ?? 0) +
        (node['Rows Removed by Index Recheck'] ?? 0));
    return read > most ? [`${node['Node Type']} of ${Math.round(read)} rows of ${table}`] : [];
  });
}

async function planOf(client: Client, { text, values }: Asked, options: string): Promise<PlanNode> {
  await client.query('BEGIN');
  try {
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (${options}) ${text}`,
      [...values],
    );
    return rows[0]!['QUERY PLAN'][0].Plan;
  } finally {
    await client.query('ROLLBACK');
  }
}

/** To read one of them from its beginning to its end is to read the table. */
async function largeIndexes(client: Client, { tables, most }: Growing): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid::regclass::text = ANY ($1) AND c.reltuples > $2`,
    [tables, most],
  );
  return new Set(rows.map(({ name }) => name));
}

/** @param limited  below a Limit, which stops reading */
function nodesOf(plan: PlanNode | null, limited = false): (PlanNode & { limited: boolean })[] {
  if (plan === null) return [];
  const below = limited || plan['Node Type'] === 'Limit';
  return [{ ...plan, limited }, ...(plan.Plans ?? []).flatMap((each) => nodesOf(each, below))];
}
