import type { MigrationInterface, QueryRunner } from 'typeorm';

const check = (statuses: string): string => `
ALTER TABLE hostings DROP CONSTRAINT hostings_status_check;
ALTER TABLE hostings ADD CONSTRAINT hostings_status_check CHECK (status IN (${statuses}));`;

/** Hostings that sleep. */
export class Sleeping1763800000017 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      check(
        `'warming', 'spare', 'creating', 'running', 'sleeping', 'stopped', 'deleting', 'deleted', 'failed', 'ejected'`,
      ),
    );
  }

  /** Wake the sleeping ones first (webhoster wake): an earlier release has no door that would. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`UPDATE hostings SET status = 'running' WHERE status = 'sleeping'`);
    await runner.query(
      check(
        `'warming', 'spare', 'creating', 'running', 'stopped', 'deleting', 'deleted', 'failed', 'ejected'`,
      ),
    );
  }
}
