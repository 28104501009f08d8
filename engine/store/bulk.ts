/**
 * One transaction without a time limit, on its own connection, with COPY: for making and loading backups. Rows are
 * streamed, so that memory does not grow with the database.
 */
import type { Readable, Writable } from 'node:stream';
import type { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import type { DataSource, QueryRunner } from 'typeorm';
import { identifier, type Table } from './catalog';
import { connect, type Tx } from './database';

export interface Bulk {
  readonly tx: Tx;
  /** The table's rows in COPY's text format, one a line. One at a time; read it to its end, or the transaction fails. */
  copyOut(table: Table): Readable;
  /** Takes rows in the same format; finishes once PostgreSQL has accepted all. One at a time. */
  copyIn(table: Table): Writable & { readonly rowCount: number };
}

/** Text that looks the same whatever the server's settings are. */
const session = `SET LOCAL client_encoding = 'UTF8'; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD';
  SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex';
  SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '30s'`;

/** Reads everything as of one moment, while others keep writing. @throws {EngineError} database_unavailable */
export function readSnapshot<T>(url: string, body: (bulk: Bulk) => Promise<T>): Promise<T> {
  return bulkTransaction(url, async (runner, bulk) => {
    await runner.startTransaction('REPEATABLE READ');
    await bulk.tx.query(`SET TRANSACTION READ ONLY; ${session}`);
    return body(bulk);
  });
}

/** Writes all or nothing. @throws {EngineError} database_unavailable */
export function rewrite<T>(url: string, body: (bulk: Bulk) => Promise<T>): Promise<T> {
  return bulkTransaction(url, async (runner, bulk) => {
    await runner.startTransaction();
    await bulk.tx.query(session);
    return body(bulk);
  });
}

async function bulkTransaction<T>(
  url: string,
  body: (runner: QueryRunner, bulk: Bulk) => Promise<T>,
): Promise<T> {
  const source: DataSource = await connect(url, { max: 1 });
  const runner = source.createQueryRunner();
  try {
    const client = (await runner.connect()) as Client;
    const result = await body(runner, {
      tx: runner.manager,
      copyOut: (table) => copyOut(client, table),
      copyIn: (table) => client.query(copyFrom(`COPY ${target(table)} FROM STDIN`)),
    });
    await runner.commitTransaction();
    return result;
  } catch (thrown) {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
    throw thrown;
  } finally {
    await runner.release();
    await source.destroy();
  }
}

/** One that is left in the middle takes its connection along: the server would wait for its reader for ever. */
function copyOut(client: Client, table: Table): Readable {
  const rows = client.query(copyTo(`COPY ${target(table)} TO STDOUT`));
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  rows.once('close', () => {
    if (!rows.readableEnded) stream.destroy();
  });
  return rows;
}

function target({ name, columns }: Table): string {
  return `${identifier(name)} (${columns.map(identifier).join(', ')})`;
}
