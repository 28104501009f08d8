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
    'Creates administrators, changes the role of accounts, and signs them out',
  );
  const create = command
    .command('create')
    .argument('<email>', 'e-mail address of the new account')
    .description(
      'Creates an administrator account; asks for its password, or reads it from the standard input',
    )
    .option('--username <name>', 'username [default: the part of the address before the @]')
    .action(createAdmin);
  withFacts(create, {
    where: 'machine',
    examples: [
      'webhoster admin create you@example.org',
      'webhoster admin create you@example.org <password-file',
    ],
    exitCodes: { 0: 'created', 1: 'failed', 2: 'wrong usage, or refused' },
  });
  const grant = command
    .command('grant')
    .argument('<email>', 'e-mail address of the account')
    .description('Makes an account an administrator')
    .action((email: string) => setRole(email, 'admin'));
  withFacts(grant, {
    where: 'machine',
    examples: ['webhoster admin grant ada@example.org'],
    exitCodes: { 0: 'an administrator', 1: 'failed', 2: 'wrong usage' },
  });
  const revoke = command
    .command('revoke')
    .argument('<email>', 'e-mail address of the account')
    .description('Makes an administrator an ordinary user again, with immediate effect')
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
    .argument('<email>', 'e-mail address of the account')
    .description(
      'Ends all sessions of an account immediately; its API tokens stay valid unless --tokens is given',
    )
    .option('--tokens', 'also revoke the API tokens of the account')
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
    .argument('<username>', 'username of a deleted account')
    .description(
      'Releases a username that is still reserved after its account was deleted; anyone can register it then',
    )
    .action(async (username: string) => {
      await withAdministration((administration) => administration.releaseUsername(username));
      console.log(`${username} can be registered again`);
    });
  withFacts(release, {
    where: 'machine',
    examples: ['webhoster admin release-username mina'],
    exitCodes: { 0: 'released', 1: 'failed, or it was not reserved', 2: 'wrong usage' },
  });
}

export function signedOutLines(
  { user, apiTokens: count }: SignedOut,
  apiTokens: 'stay' | 'revoke',
): string[] {
  const who = `${user.username} (${user.email})`;
  const tokens = count === 1 ? '1 API token' : `${count} API tokens`;
  if (count === 0) return [`${who} is signed out everywhere; there are no API tokens`];
  if (apiTokens === 'revoke') return [`${who} is signed out everywhere; ${tokens} revoked`];
  return [
    `All sessions of ${who} have ended; ${tokens} still valid`,
    `To revoke them too: webhoster admin sign-out ${user.email} --tokens`,
  ];
}

async function createAdmin(email: string, { username }: { username?: string }): Promise<void> {
  const name = username ?? lowerAscii(email.split('@', 1)[0] ?? '').replace(/[^a-z0-9-]/g, '-') ?? '';
  const input = checked({ email, username: name, password: await readNewPassword() });
  const user = await withAdministration((administration) => administration.createAdmin(input));
  console.log(`${user.username} (${user.email}) is user ${user.id} and an administrator`);
}

/** By the rules for everybody. */
function checked(input: { email: string; username: string; password: string }): typeof input {
  const parsed = registration.safeParse(input);
  if (parsed.success) return parsed.data;
  const told = parsed.error.issues.map(({ path, message }) => {
    const text = Object.hasOwn(fieldMessages, message)
      ? fieldMessages[message as keyof typeof fieldMessages].en
      : message;
    const hint = path[0] === 'username' ? ' (choose another with --username)' : '';
    return `${path.join('.')}: ${text}${hint}`;
  });
  throw new EngineError('validation_failed', told.join('\n       '));
}

async function setRole(email: string, role: Role): Promise<void> {
  const user = await withAdministration((administration) => administration.setRole(email, role));
  console.log(`${user.username} (${user.email}) is now ${role === 'admin' ? 'an administrator' : 'a user'}`);
}
