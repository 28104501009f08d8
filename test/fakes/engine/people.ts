/** The accounts of the fake engine: one for each e-mail address and each username, and the names that rest. */
import { emailKey, EngineError, type User } from '../../../engine';

export interface Person {
  user: User;
  password: string;
}

export interface People {
  /** Usernames of accounts that are gone, and since when. */
  readonly retired: Map<string, Date>;
  /** @throws email_taken, username_taken, username_retired, validation_failed */
  add(given: Pick<User, 'email' | 'username'> & { readonly password: string }): User;
  /** @param email  as somebody types it */
  withEmail(email: string): Person | undefined;
  named(username: string): Person | undefined;
  withId(id: number): Person | undefined;
  remove(user: User): void;
}

const dayMs = 86_400_000;
/** How long a name rests. */
const restDays = 30;

export function fakePeople(): People {
  const byEmail = new Map<string, Person>();
  const retired = new Map<string, Date>();
  let ids = 0;
  const first = (wanted: (user: User) => boolean): Person | undefined =>
    [...byEmail.values()].find(({ user }) => wanted(user));
  const people: People = {
    retired,
    add: ({ email, username, password }) => {
      const key = emailKey(email);
      if (key === null)
        throw new EngineError('validation_failed', 'This e-mail address cannot be told from others');
      if (people.named(username) !== undefined) throw new EngineError('username_taken');
      if (byEmail.has(key)) throw new EngineError('email_taken');
      const since = retired.get(username)?.getTime();
      if (since !== undefined) {
        const freeAt = new Date(since + restDays * dayMs).toISOString();
        throw new EngineError('username_retired', `${username} rests until ${freeAt}`, {
          details: { freeAt },
        });
      }
      const user: User = { id: ++ids, email, username, role: 'user', createdAt: new Date() };
      byEmail.set(key, { user, password });
      return user;
    },
    withEmail: (email) => byEmail.get(emailKey(email) ?? ''),
    named: (username) => first((user) => user.username === username),
    withId: (id) => first((user) => user.id === id),
    remove: ({ email, username }) => {
      byEmail.delete(emailKey(email) ?? '');
      retired.set(username, new Date());
    },
  };
  return people;
}
