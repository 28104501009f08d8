/** The few statements that every request runs. */
import type { Pool } from 'pg';
import type { Tx } from './database';

/**
 * A statement that PostgreSQL plans once per connection, run by pg directly: planning it each time, and getting a
 * connection from TypeORM, took longer than the statement.
 *
 * @param tx  the plain pool, no transaction
 * @param name  unique to this text
 */
export async function prepared<T extends object>(
  tx: Tx,
  { name, text }: { readonly name: string; readonly text: string },
  values: readonly unknown[],
): Promise<T[]> {
  if (tx.queryRunner !== undefined) throw new Error('a transaction has a connection of its own');
  const { master } = tx.dataSource.driver as unknown as { readonly master: Pool };
  try {
    return (await master.query<T>({ name, text, values: [...values] })).rows;
  } catch (thrown) {
    // as TypeORM tells a failed query: engine/base/errors knows an outage by it
    throw thrown instanceof Error ? Object.assign(thrown, { query: name }) : thrown;
  }
}
