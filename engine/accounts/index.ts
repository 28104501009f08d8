/** Users, sign-in, access tokens and API tokens. */
export { accounts, type Accounts, type Usernames } from './accounts';
export { attempted, attemptLimit, networkOf } from './attempts';
export { addAccount } from './new-account';
export { hashPassword } from './passwords';
export { personalTokens, type Tokens } from './personal-tokens';
export { isReservedUsername } from './reserved-usernames';
export { accountsRoom } from './room';
