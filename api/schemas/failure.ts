/** The one shape of every error. */
import { z } from 'zod';
import { errorCodes } from '../../engine';
import { errorMessages } from '../error-messages';
import { httpErrorCodes } from '../http-error';
import { answerSchema, text, told } from './components';

export const errorAnswer = answerSchema(
  'Error',
  z.object({
    success: told(z.literal(false), 'Always false for errors'),
    message: text(
      'For people, in their language: what went wrong and what to do about it',
      errorMessages.hosting_not_found.en,
    ),
    error: z
      .object({
        code: told(z.enum([...errorCodes, ...httpErrorCodes]), 'The error code', 'hosting_not_found'),
        details: z.record(z.string(), z.unknown()).meta({
          description: 'Facts about the error; for validation_failed `fields`, a list of {field, message}',
          examples: [{}],
        }),
        request_id: text('Request ID, as in the log', 'f3c1a2b4'),
      })
      .meta({ description: 'For programs' }),
  }),
);
