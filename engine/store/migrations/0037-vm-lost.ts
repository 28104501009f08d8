import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The error `domain_lost` is `vm_lost` now: users know domains as host names. */
export class VmLost1763800000037 implements MigrationInterface {
  up(runner: QueryRunner): Promise<void> {
    return rename(runner, 'domain_lost', 'vm_lost');
  }

  down(runner: QueryRunner): Promise<void> {
    return rename(runner, 'vm_lost', 'domain_lost');
  }
}

async function rename(runner: QueryRunner, from: string, to: string): Promise<void> {
  for (const table of ['operations', 'hostings'])
    await runner.query(`UPDATE ${table} SET failure_code = $1 WHERE failure_code = $2`, [to, from]);
}
