/** Sums of measurements; the buckets are not cumulative. */
import type { Tx } from './database';

export interface Measure {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** One more than the number of bounds. */
  readonly buckets: readonly number[];
  readonly count: number;
  readonly seconds: number;
}

/** Adds to the stored sums. Rows are locked in a fixed order, so that concurrent calls cannot deadlock. */
export async function addMeasures(tx: Tx, measures: readonly Measure[]): Promise<void> {
  await tx.query(
    `INSERT INTO measures AS known (name, labels, buckets, count, seconds)
     SELECT m.name, m.labels, ARRAY(SELECT jsonb_array_elements_text(m.buckets)::bigint), m.count, m.seconds
     FROM jsonb_to_recordset($1::jsonb) AS m(name text, labels jsonb, buckets jsonb, count bigint, seconds float8)
     ORDER BY m.name, m.labels
     ON CONFLICT (name, labels) DO UPDATE SET count = known.count + excluded.count,
       seconds = known.seconds + excluded.seconds,
       -- other bounds than before: an older version's counts cannot be told apart any more
       buckets = CASE WHEN cardinality(known.buckets) = cardinality(excluded.buckets)
         THEN ARRAY(SELECT a + b FROM unnest(known.buckets, excluded.buckets) WITH ORDINALITY t(a, b, n) ORDER BY n)
         ELSE excluded.buckets END`,
    [JSON.stringify(measures)],
  );
}

export function allMeasures(tx: Tx): Promise<Measure[]> {
  return tx.query(
    `SELECT name, labels, ARRAY(SELECT b::float8 FROM unnest(buckets) WITH ORDINALITY t(b, n) ORDER BY n) AS buckets,
       count::float8 AS count, seconds FROM measures ORDER BY name, labels`,
  );
}
