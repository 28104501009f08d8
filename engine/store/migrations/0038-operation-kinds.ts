import type { MigrationInterface, QueryRunner } from 'typeorm';

const names = [
  ['check-drift', 'plan-apply'],
  ['apply-stack', 'apply-hosting'],
  ['plan-hosting', 'plan-create'],
  ['plan-removal', 'plan-delete'],
] as const;

/** A process of the version before still accepts operations while an update goes on. */
const translated = `
CREATE OR REPLACE FUNCTION translate_former_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.kind := CASE NEW.kind ${names.map(([from, to]) => `WHEN '${from}' THEN '${to}'`).join(' ')} ELSE NEW.kind END;
  RETURN NEW;
END $$;
CREATE TRIGGER translate_former_kind BEFORE INSERT ON operations FOR EACH ROW
  WHEN (NEW.kind IN (${names.map(([from]) => `'${from}'`).join(', ')})) EXECUTE FUNCTION translate_former_kind();
`;

/** What plans and applies is called by what it does; none of the former names gets another meaning. */
export class OperationKinds1763800000038 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const [from, to] of names) await rename(runner, from, to);
    await indexed(runner, 'plan-apply');
    await runner.query(translated);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TRIGGER translate_former_kind ON operations; DROP FUNCTION translate_former_kind()',
    );
    for (const [from, to] of names) await rename(runner, to, from);
    await indexed(runner, 'check-drift');
  }
}

async function rename(runner: QueryRunner, from: string, to: string): Promise<void> {
  await runner.query(`UPDATE operations SET kind = $1 WHERE kind = $2`, [to, from]);
  await runner.query(
    `UPDATE measures SET labels = jsonb_set(labels, '{kind}', to_jsonb($1::text)) WHERE labels ->> 'kind' = $2`,
    [to, from],
  );
}

/** When a stack was last touched: a look touches nothing. And looks that failed. */
async function indexed(runner: QueryRunner, look: string): Promise<void> {
  await runner.query(`
    DROP INDEX operations_of_stack, operations_failed_looks;
    CREATE INDEX operations_of_stack ON operations (stack_id, finished_at) WHERE kind <> '${look}';
    CREATE INDEX operations_failed_looks ON operations (stack_id, created_at DESC)
      WHERE kind = '${look}' AND failure_code IS NOT NULL`);
}
