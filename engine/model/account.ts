/** Who uses the service, and how they are authenticated. */
export type Role = 'user' | 'admin';

export interface User {
  /** The number in the user's web path. */
  readonly id: number;
  readonly email: string;
  readonly username: string;
  readonly role: Role;
  readonly createdAt: Date;
}

export const tokenScopes = ['hosting:read', 'hosting:write', 'admin'] as const;

export type TokenScope = (typeof tokenScopes)[number];

/** How a caller was authenticated. */
export type Via =
  | { readonly kind: 'session'; readonly id: string; readonly expiresAt: Date }
  | {
      readonly kind: 'token';
      readonly id: string;
      readonly prefix: string;
      readonly scopes: readonly TokenScope[];
    };

export interface Caller {
  readonly user: User;
  readonly via: Via;
}

export interface SignedIn {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly user: User;
}

/** A personal API token, without the secret itself. */
export interface ApiToken {
  readonly id: string;
  readonly userId: number;
  readonly name: string;
  /** The first twelve characters. */
  readonly prefix: string;
  readonly scopes: readonly TokenScope[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** Who asks: a user, or an operator on the machine itself, who can see everything. */
export type Asker = User | 'operator';

/** The labels of an account and of its hosting. */
export interface UserLabels {
  readonly username: string;
  /** Labels of the account, which an administrator sets and every hosting of its user carries. */
  readonly labels: Readonly<Record<string, string>>;
  /** VM name of the current hosting; null if there is none. */
  readonly vmName: string | null;
  /** All labels of that hosting. */
  readonly hostingLabels: Readonly<Record<string, string>> | null;
}
