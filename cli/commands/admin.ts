/** `webhoster admin …`: who administrates. */
import { Command } from 'commander';
import { fieldMessages } from '../../api/messages';
import { registration } from '../../api/schemas/account';
import { EngineError, lowerAscii, type Role, type SignedOut } from '../../engine';
import { withAdministration } from '../with-machine';
import { withFacts } from '../facts';
import { readNewPassword } from '../secret-input';

export function adminCommand(): Command {
  const command = new Command('admin').description(
    'Makes administrators, makes accounts administrators or users, and signs them out',
  );
  const create = command
    .command('create')
    .argument('<email>', 'of the new account')
    .description(
      'Makes an account that administrates; asks for its password, or reads it from the standard input',
    )
    .option('--username <name>', 'instead of the part before the @')
    .action(createAdmin);
  withFacts(create, {
    where: 'machine',
    examples: [
      'webhoster admin create you@example.org',
      'webhoster admin create you@example.org <password-file',
    ],
    exitCodes: { 0: 'made', 1: 'failed', 2: 'wrong usage, or refused' },
  });
  const grant = command
    .command('grant')
    .argument('<email>', 'of the account')
    .description('Makes an account an administrator')
    .action((email: string) => setRole(email, 'admin'));
  withFacts(grant, {
    where: 'machine',
    examples: ['webhoster admin grant ada@example.org'],
    exitCodes: { 0: 'an administrator', 1: 'failed', 2: 'wrong usage' },
  });
  const revoke = command
    .command('revoke')
    .argument('<email>', 'of the account')
    .description('Makes an administrator a user again, at once')
    .action((email: string) => setRole(email, 'user'));
  withFacts(revoke, {
    where: 'machine',
    examples: ['webhoster admin revoke ada@example.org'],
    exitCodes: { 0: 'a user', 1: 'failed', 2: 'wrong usage' },
  });
  addSignOut(command);
  addReleaseUsername(command);
  return withFacts(command, {
    where: 'machine',
    examples: ['webhoster admin create you@example.org'],
    exitCodes: { 0: 'done', 1: 'failed', 2: 'wrong usage, or refused' },
  });
}

function addSignOut(command: Command): void {
  const signOut = command
    .command('sign-out')
    .argument('<email>', 'of the account')
    .description(
      'Ends every session of an account, at once; its API tokens stay, unless --tokens takes them too',
    )
    .option('--tokens', 'revokes the API tokens of the account as well')
    .action(async (email: string, { tokens = false }: { tokens?: boolean }) => {
      const apiTokens = tokens ? 'revoke' : 'stay';
      const ended = await withAdministration((administration) =>
        administration.signOut(email, { apiTokens }),
      );
      for (const line of signedOutLines(ended, apiTokens)) console.log(line);
    });
  withFacts(signOut, {
    where: 'machine',
    examples: ['webhoster admin sign-out ada@example.org --tokens'],
    exitCodes: { 0: 'signed out', 1: 'failed', 2: 'wrong usage' },
  });
}

function addReleaseUsername(command: Command): void {
  const release = command
    .command('release-username')
    .argument('<username>', 'of an account that was deleted')
    .description(
      'Frees a username that rests after its account was deleted; whoever registers it next gets it',
    )
    .action(async (username: string) => {
      await withAdministration((administration) => administration.releaseUsername(username));
      console.log(`${username} can be registered`);
    });
  withFacts(release, {
    where: 'machine',
    examples: ['webhoster admin release-username mina'],
    exitCodes: { 0: 'free', 1: 'failed, or it does not rest', 2: 'wrong usage' },
  });
}

export function signedOutLines(
  { user, apiTokens: count }: SignedOut,
  apiTokens: 'stay' | 'revoke',
): string[] {
  const who = `${user.username} (${user.email})`;
  const tokens = count === 1 ? '1 API token' : `${count} API tokens`;
  if (count === 0) return [`${who} is signed out everywhere; there is no API token`];
  if (apiTokens === 'revoke') return [`${who} is signed out everywhere; ${tokens} revoked`];
  return [
    `Every session of ${who} has ended; ${tokens} still good`,
    `webhoster admin sign-out ${user.email} --tokens revokes them too`,
  ];
}

async function createAdmin(email: string, { username }: { username?: string }): Promise<void> {
  const name = username ?? lowerAscii(email.split('@', 1)[0] ?? '').replace(/[^a-z0-9-]/g, '-') ?? '';
  const input = checked({ email, username: name, password: await readNewPassword() });
  const user = await withAdministration((administration) => administration.createAdmin(input));
  console.log(`${user.username} (${user.email}) is user ${user.id} and administrates`);
}

/** By the rules for everybody. */
function checked(input: { email: string; username: string; password: string }): typeof input {
  const parsed = registration.safeParse(input);
  if (parsed.success) return parsed.data;
  const told = parsed.error.issues.map(({ path, message }) => {
    const text = Object.hasOwn(fieldMessages, message)
      ? fieldMessages[message as keyof typeof fieldMessages].en
      : message;
    const hint = path[0] === 'username' ? ' (--username names another)' : '';
    return `${path.join('.')}: ${text}${hint}`;
  });
  throw new EngineError('validation_failed', told.join('\n       '));
}

async function setRole(email: string, role: Role): Promise<void> {
  const user = await withAdministration((administration) => administration.setRole(email, role));
  console.log(`${user.username} (${user.email}) is ${role === 'admin' ? 'an administrator' : 'a user'} now`);
}
