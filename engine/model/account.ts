/** Who uses the service, and how they proved it. */
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

/** How a caller proved who they are. */
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

/** A personal API token, without what must stay secret. */
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

/** Who asks: a user, or an operator on the machine itself, who may see all. */
export type Asker = User | 'operator';

/** What an account and its hosting are grouped by. */
export interface UserLabels {
  readonly username: string;
  /** Of the account: an administrator's, for each hosting that its user has. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of the hosting that there is. */
  readonly vmName: string | null;
  /** All of that hosting. */
  readonly hostingLabels: Readonly<Record<string, string>> | null;
}
