import type { MigrationInterface, QueryRunner } from 'typeorm';
import { keysOfOlder } from '../../base/emails';

/**
 * Accounts are told apart by one form of their e-mail that only this program makes. Those that are there get it; of two
 * that have the same the older one does, and the other is found by its address exactly as it was registered.
 */
export class EmailKeys1763800000030 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE users ADD COLUMN email_key text COLLATE "C"`);
    const users: { id: number; email: string }[] = await runner.query(`SELECT id, email FROM users`);
    const keys = [...keysOfOlder(users)];
    await runner.query(
      `UPDATE users u SET email_key = k.key FROM unnest($1::integer[], $2::text[]) AS k (id, key) WHERE u.id = k.id`,
      [keys.map(([id]) => id), keys.map(([, key]) => key)],
    );
    await runner.query(`
      ALTER TABLE users ALTER COLUMN email_key SET NOT NULL;
      DROP INDEX users_email_key;
      CREATE UNIQUE INDEX users_email_key ON users (email_key)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX users_email_key;
      CREATE UNIQUE INDEX users_email_key ON users (lower(email));
      ALTER TABLE users DROP COLUMN email_key`);
  }
}
