import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How often things took how long, added up over all workers: what a histogram in the metrics consists of. */
export class Measures1763800000015 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE measures (
        name    text NOT NULL,
        labels  jsonb NOT NULL,
        buckets bigint[] NOT NULL,
        count   bigint NOT NULL,
        seconds double precision NOT NULL,
        PRIMARY KEY (name, labels)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE measures');
  }
}
