/** `webhoster token …`: personal API tokens of an account. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type ApiToken, type TokenScope, tokenScopes } from '../../engine';
import { withAdministration } from '../administrate';
import { tableLines } from '../table';

export function tokenCommand(): Command {
  const command = new Command('token').description('Makes, lists and revokes API tokens of an account');
  command
    .command('create <email>')
    .description('Makes a token and prints it; it is not shown again')
    .requiredOption('--name <name>', 'what it will be known by')
    .addOption(new Option('--scope <scope...>', 'what it opens').choices(tokenScopes).makeOptionMandatory())
    .option('--days <count>', 'good for so many days, up to 365', readDays, 90)
    .option('--json', 'for scripts')
    .action(create);
  command
    .command('list <email>')
    .description('Lists the tokens that are good')
    .option('--json', 'for scripts')
    .action(list);
  command
    .command('revoke <email> <id>')
    .description('Refuses a token from now on')
    .action(async (email: string, id: string) => {
      await withAdministration((administration) => administration.revokeToken(email, id));
      console.log(`${id} is revoked`);
    });
  return command;
}

interface CreateOptions {
  readonly name: string;
  readonly scope: readonly TokenScope[];
  readonly days: number;
  readonly json?: boolean;
}

async function create(email: string, { name, scope: scopes, days, json }: CreateOptions): Promise<void> {
  const made = await withAdministration((administration) =>
    administration.createToken(email, { name, scopes, days }),
  );
  console.log(json ? JSON.stringify(made, null, 2) : made.token);
}

async function list(email: string, { json }: { json?: boolean }): Promise<void> {
  const tokens = await withAdministration((administration) => administration.listTokens(email));
  const lines = json ? [JSON.stringify(tokens, null, 2)] : tokenLines(tokens);
  for (const line of lines) console.log(line);
}

export function tokenLines(tokens: readonly ApiToken[]): string[] {
  const day = (moment: Date | null): string => moment?.toISOString().slice(0, 10) ?? '-';
  return tableLines(
    ['ID', 'NAME', 'BEGINS', 'SCOPES', 'EXPIRES', 'LAST USED'],
    tokens.map(({ id, name, prefix, scopes, expiresAt, lastUsedAt }) => [
      id,
      name,
      prefix,
      scopes.join(','),
      day(expiresAt),
      day(lastUsedAt),
    ]),
  );
}

function readDays(value: string): number {
  const days = Number(value);
  if (Number.isInteger(days) && days >= 1 && days <= 365) return days;
  throw new InvalidArgumentError('a whole number from 1 to 365');
}
