/**
 * Names under which schemas stand in the OpenAPI document's components. Two registries, since one schema reads
 * differently as a request (what may be left out) and as an answer (what is always there).
 */
import { z } from 'zod';

export type ComponentRegistry = z.core.$ZodRegistry<{ id: string }>;

export const requestComponents: ComponentRegistry = z.registry<{ id: string }>();
export const answerComponents: ComponentRegistry = z.registry<{ id: string }>();

/** @param description  for every place where it stands. @default what stands at the place itself */
export function requestSchema<S extends z.ZodType>(id: string, schema: S, description?: string): S {
  const named = description === undefined ? schema : schema.meta({ description });
  requestComponents.add(named, { id });
  return named;
}

/** As `requestSchema`. */
export function answerSchema<S extends z.ZodType>(id: string, schema: S, description?: string): S {
  const named = description === undefined ? schema : schema.meta({ description });
  answerComponents.add(named, { id });
  return named;
}

/** The same with what it is, and how it looks; examples of answers are put together from these. */
export function told<S extends z.ZodType>(schema: S, description: string, ...examples: z.output<S>[]): S {
  const before = schema.meta() ?? {};
  return schema.meta({ ...before, description, ...(examples.length === 0 ? {} : { examples }) });
}

export const text = (description: string, example: string): z.ZodString =>
  told(z.string(), description, example);

export const vmName = text('Name of the VM', 'vm-1a2b3c4d');
/** What `vm_name` was called before. */
const formerly = {
  description: 'The same as `vm_name`. The next release removes it',
  deprecated: true,
  examples: ['vm-1a2b3c4d'],
};
export const vmId = z.string().meta(formerly);
export const vmIdIfAny = z.string().nullable().meta(formerly);

export const whole = (description: string, example: number): z.ZodInt => told(z.int(), description, example);

/** A moment in ISO 8601, UTC. */
export const moment = (description: string): z.ZodString =>
  z.string().meta({ description, format: 'date-time', examples: ['2026-01-31T12:00:00.000Z'] });

export const aUuid = '5f0c1f0e-0f7b-4f57-8f1c-0d8b3c1f2a3b';

/** A UUID that an answer names something by. */
export const named = (description: string): z.ZodString => text(description, aUuid);
