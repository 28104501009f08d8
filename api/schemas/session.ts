/** Ending sessions and accounts, and changing the password. */
import { z } from 'zod';
import { composed, newPassword, PASSWORD_MAX, tokenView } from './account';
import { answerSchema, requestSchema } from './components';
import { says } from './field-message';

/** As it was once accepted: today's rules are for new ones. */
const currentPassword = z
  .string()
  .overwrite(composed)
  .min(1, says('required'))
  .max(PASSWORD_MAX, says('password_too_long'))
  .meta({ format: 'password', description: 'The current password of the account' });

export const logoutRequest = requestSchema(
  'LogoutRequest',
  z
    .strictObject({
      everywhere: z
        .boolean()
        .default(false)
        .meta({ description: 'Ends all of your sessions instead of only this one' }),
    })
    .optional(),
);

export const passwordChange = requestSchema(
  'PasswordChange',
  z.strictObject({ current_password: currentPassword, new_password: newPassword }),
);

export const accountDeletion = requestSchema(
  'AccountDeletion',
  z.strictObject({ password: currentPassword }),
);

export const changedPassword = answerSchema('ChangedPassword', z.object({ session: tokenView }));
