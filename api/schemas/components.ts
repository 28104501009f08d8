/**
 * Names under which schemas stand in the OpenAPI document's components. Two registries, since one schema reads
 * differently as a request (what may be left out) and as an answer (what is always there).
 */
import { z } from 'zod';

export type ComponentRegistry = z.core.$ZodRegistry<{ id: string }>;

export const requestComponents: ComponentRegistry = z.registry<{ id: string }>();
export const answerComponents: ComponentRegistry = z.registry<{ id: string }>();

export function requestSchema<S extends z.ZodType>(id: string, schema: S): S {
  requestComponents.add(schema, { id });
  return schema;
}

export function answerSchema<S extends z.ZodType>(id: string, schema: S): S {
  answerComponents.add(schema, { id });
  return schema;
}

/** A moment in ISO 8601, UTC. */
export const timestamp = z.string().meta({ format: 'date-time', examples: ['2026-01-31T12:00:00.000Z'] });
