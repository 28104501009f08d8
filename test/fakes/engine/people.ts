/** The accounts of the fake engine: one for each e-mail address and each username, and the names of those that are gone. */
import { emailKey, EngineError, type User } from '../../../engine';

export interface Person {
  user: User;
  password: string;
}

export interface People {
  /** Usernames of accounts that are gone. */
  readonly retired: Set<string>;
  /** @throws email_taken, username_taken, username_retired */
  add(given: Pick<User, 'email' | 'username'> & { readonly password: string }): User;
  /** @param email  as somebody types it */
  withEmail(email: string): Person | undefined;
  named(username: string): Person | undefined;
  withId(id: number): Person | undefined;
  remove(user: User): void;
}

/** As the database has it; what has no such form is no account's. */
export const keyOf = (email: string): string => emailKey(email) ?? email;

export function fakePeople(): People {
  const byEmail = new Map<string, Person>();
  const retired = new Set<string>();
  const first = (wanted: (user: User) => boolean): Person | undefined =>
    [...byEmail.values()].find(({ user }) => wanted(user));
  const people: People = {
    retired,
    add: ({ email, username, password }) => {
      if (byEmail.has(keyOf(email))) throw new EngineError('email_taken', `${email} has an account`);
      if (people.named(username) !== undefined)
        throw new EngineError('username_taken', `The username ${username} is taken`);
      if (retired.has(username)) throw new EngineError('username_retired', `${username} rests`);
      const user: User = { id: byEmail.size + 1, email, username, role: 'user', createdAt: new Date() };
      byEmail.set(keyOf(email), { user, password });
      return user;
    },
    withEmail: (email) => byEmail.get(keyOf(email)),
    named: (username) => first((user) => user.username === username),
    withId: (id) => first((user) => user.id === id),
    remove: ({ email, username }) => {
      byEmail.delete(keyOf(email));
      retired.add(username);
    },
  };
  return people;
}
