/** One example of every answer, put together from the examples of its properties. */
type Json = Readonly<Record<string, unknown>>;

/** @param find  the schema that a reference names. @returns undefined where nothing says how it looks */
export function exampleOf(schema: Json, find: (reference: string) => Json): unknown {
  const given = schema['examples'];
  if (Array.isArray(given)) return given[0];
  if ('const' in schema) return schema['const'];
  if (typeof schema['$ref'] === 'string') return exampleOf(find(schema['$ref']), find);
  const either = (schema['anyOf'] ?? schema['oneOf']) as readonly Json[] | undefined;
  if (either?.[0] !== undefined) return exampleOf(either[0], find);
  if (schema['type'] === 'array') return [exampleOf(schema['items'] as Json, find)];
  if (schema['type'] === 'object') return exampleOfObject(schema, find);
  return undefined;
}

function exampleOfObject(schema: Json, find: (reference: string) => Json): Json {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Json>>;
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, exampleOf(property, find)]),
  );
}
