/** `webhoster token …`: personal API tokens of an account. */
import { Command, Option } from 'commander';
import { type ApiToken, type TokenScope, tokenScopes } from '../../engine';
import { withAdministration } from '../with-machine';
import { showApiToken } from '../../api/account-views';
import { withFacts } from '../facts';
import { printJson } from '../json';
import { tableLines } from '../table';
import { wholeNumber } from '../whole-number';

export function tokenCommand(): Command {
  const command = new Command('token').description('Creates, lists and revokes API tokens of an account');
  const create = command
    .command('create')
    .argument('<email>', 'e-mail address of the account')
    .argument('<name>', 'a name for the token')
    .description('Creates a token and prints it; it is not shown again')
    .addOption(
      new Option('--scope <scope...>', 'what the token gives access to')
        .choices(tokenScopes)
        .default(['hosting:read']),
    )
    .option('--days <count>', 'days until the token expires, up to 365', wholeNumber(365), 90)
    .option('--json', 'JSON output, for scripts')
    .action(createToken);
  withFacts(create, {
    where: 'machine',
    examples: ['webhoster token create ada@example.org backup --scope hosting:read --days 30'],
    exitCodes: { 0: 'created, and printed once', 1: 'failed', 2: 'wrong usage' },
  });
  const list = command
    .command('list')
    .argument('<email>', 'e-mail address of the account')
    .description('Lists the valid tokens of an account')
    .option('--json', 'JSON output, for scripts')
    .action(listTokens);
  withFacts(list, {
    where: 'machine',
    examples: ['webhoster token list ada@example.org'],
    exitCodes: { 0: 'listed', 1: 'failed', 2: 'wrong usage' },
  });
  const revoke = command
    .command('revoke')
    .argument('<email>', 'e-mail address of the account')
    .argument('<id>', 'token ID, as listed by `token list`')
    .description('Revokes a token')
    .action(async (email: string, id: string) => {
      await withAdministration((administration) => administration.revokeToken(email, id));
      console.log(`${id} is revoked`);
    });
  withFacts(revoke, {
    where: 'machine',
    examples: ['webhoster token revoke ada@example.org 7'],
    exitCodes: { 0: 'revoked', 1: 'failed', 2: 'wrong usage' },
  });
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster token list ada@example.org'],
    exitCodes: { 0: 'done', 1: 'failed', 2: 'wrong usage' },
  });
}

interface CreateOptions {
  readonly scope: readonly TokenScope[];
  readonly days: number;
  readonly json?: boolean;
}

async function createToken(
  email: string,
  name: string,
  { scope: scopes, days, json }: CreateOptions,
): Promise<void> {
  const made = await withAdministration((administration) =>
    administration.createToken(email, { name, scopes, days }),
  );
  if (json) printJson({ token: made.token, api_token: showApiToken(made.made) });
  else console.log(made.token);
}

async function listTokens(email: string, { json }: { json?: boolean }): Promise<void> {
  const tokens = await withAdministration((administration) => administration.listTokens(email));
  if (json) printJson(tokens.map(showApiToken));
  else for (const line of tokenLines(tokens)) console.log(line);
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
