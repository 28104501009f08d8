/** The one shape of every error. */
import { z } from 'zod';
import { errorCodes } from '../../engine';
import { httpErrorCodes } from '../http-error';
import { answerSchema } from './components';

export const errorAnswer = answerSchema(
  'Error',
  z.object({
    success: z.literal(false),
    message: z.string(),
    error: z.object({
      code: z.enum([...errorCodes, ...httpErrorCodes]),
      details: z
        .record(z.string(), z.unknown())
        .meta({ description: 'For validation_failed: fields, a list of {field, message}' }),
      request_id: z.string(),
    }),
  }),
);
