/** `webhoster admin …`: who administrates. */
import { Command } from 'commander';
import { fieldMessages } from '../../api/messages';
import { registration } from '../../api/schemas/account';
import { EngineError, type Role } from '../../engine';
import { withAdministration } from '../administrate';
import { readPassword } from '../read-password';

export function adminCommand(): Command {
  const command = new Command('admin').description(
    'Makes administrators, and accounts administrators or users',
  );
  command
    .command('create <email>')
    .description(
      'Makes an account that administrates; asks for its password, or reads it from the standard input',
    )
    .option('--username <name>', 'instead of the part before the @')
    .action(create);
  command
    .command('grant <email>')
    .description('Makes an account an administrator')
    .action((email: string) => setRole(email, 'admin'));
  command
    .command('revoke <email>')
    .description('Makes an administrator a user again, at once')
    .action((email: string) => setRole(email, 'user'));
  return command;
}

async function create(email: string, { username }: { username?: string }): Promise<void> {
  const name =
    username ??
    email
      .split('@', 1)[0]
      ?.toLowerCase()
      .replace(/[^a-z0-9-]/g, '-') ??
    '';
  const input = checked({ email, username: name, password: await readPassword() });
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
