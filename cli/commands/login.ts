/** `webhoster login` and `webhoster logout`. */
import { Command } from 'commander';
import type { z } from 'zod';
import type { accountView, tokenView } from '../../api/schemas/account';
import { EngineError } from '../../engine';
import {
  credentialsFile,
  type Login,
  readLogins,
  withLogin,
  withoutLogin,
  writeLogins,
} from '../credentials';
import { withFacts } from '../facts';
import { type Client, openClient, serviceUrl } from '../remote/client';
import { askFor, readFirstLine } from '../secret-input';
import { untilStopped } from '../until-stopped';

interface Flags {
  readonly url?: string;
  readonly email?: string;
  readonly passwordStdin?: boolean;
  readonly tokenStdin?: boolean;
}

export function loginCommand(): Command {
  const command = new Command('login')
    .description('Signs in to a service and stores its token in a file that only you can read')
    .option('--email <address>', 'e-mail address of your account [default: asks for it]')
    .option('--password-stdin', 'read the password from the first line of the standard input')
    .option(
      '--token-stdin',
      'store the token from the first line of the standard input instead of signing in',
    )
    .action(async (_: Flags, self: Command) => {
      const flags = self.optsWithGlobals<Flags>();
      const url = serviceUrl(flags.url ?? (process.env.WEBHOSTER_URL || noAddress()));
      warnOfPlainHttp(url);
      const login = await signIn(url, flags, untilStopped());
      await writeLogins(withLogin(await readLogins(), url, login));
      const until = login.expiresAt === null ? '' : `, until ${login.expiresAt}`;
      console.log(`Signed in to ${url} as ${login.username}${until}; stored in ${credentialsFile()}`);
    });
  return withFacts(command, {
    where: 'service',
    examples: [
      'webhoster login --url https://hosting.example.org --email mina@example.com',
      'webhoster login --url http://localhost:8000 --token-stdin <token.txt',
    ],
    exitCodes: {
      0: 'signed in',
      1: 'failed, nothing was stored',
      2: 'wrong usage',
      3: 'wrong e-mail address, password or token',
      4: 'the service cannot be reached, or cannot accept work now',
    },
  });
}

export function logoutCommand(): Command {
  const command = new Command('logout')
    .description(
      'Removes the stored token of a service: the one signed in to last, or the one given by --url',
    )
    .option('--all', 'remove all stored tokens')
    .action(async ({ all = false }: { all?: boolean }, self: Command) => {
      const { url } = self.optsWithGlobals<Flags>();
      const logins = await readLogins();
      const at = url === undefined ? logins.current : serviceUrl(url);
      const known = at !== null && logins.services[at] !== undefined;
      await writeLogins(
        all ? { current: null, services: {} } : at === null ? logins : withoutLogin(logins, at),
      );
      if (all) console.log('Signed out of all services');
      else console.log(known ? `Signed out of ${at}` : 'Not signed in');
    });
  return withFacts(command, {
    where: 'service',
    examples: ['webhoster logout'],
    exitCodes: { 0: 'signed out', 1: 'failed', 2: 'wrong usage' },
  });
}

async function signIn(url: string, flags: Flags, signal: AbortSignal): Promise<Login> {
  if (flags.tokenStdin) {
    const token = await readFirstLine('token');
    const who = openClient({ url, token, signal });
    return { token, username: await usernameOf(who), expiresAt: null };
  }
  const email = flags.email ?? (await askFor('E-mail: ', 'shown', '--email'));
  const password = flags.passwordStdin
    ? await readFirstLine('password')
    : await askFor('Password: ', 'hidden', '--password-stdin');
  const given = await openClient({ url, token: null, signal })
    .call<z.output<typeof tokenView>>('POST', '/auth/login', { form: { username: email, password } })
    .catch((thrown: unknown) => {
      throw isRefusal(thrown)
        ? new EngineError('invalid_credentials', `${url}: wrong e-mail address or password`)
        : thrown;
    });
  const expiresAt = new Date(Date.now() + given.expires_in * 1000).toISOString();
  return { token: given.access_token, username: given.user.username, expiresAt };
}

async function usernameOf(client: Client): Promise<string> {
  const { user } = await client.data<z.output<typeof accountView>>('GET', '/auth/me');
  return user.username;
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof EngineError && thrown.code === 'unauthorized';
}

function noAddress(): never {
  throw new EngineError(
    'validation_failed',
    'Specify the service: --url http://localhost:8000, or WEBHOSTER_URL',
  );
}

function warnOfPlainHttp(url: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'http:' && !/^(localhost|127\..*|\[::1\])$/.test(hostname))
    console.error(
      `warning: ${url} is not encrypted: anyone on the network path can read your password and token`,
    );
}
