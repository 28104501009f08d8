import { RootConstruct } from 'constructs';
import { checkSpec } from './allow-list/spec';
import { createStack } from './create-stack';
import type { StackSpec } from './spec';

/**
 * Renders a specification as the Terraform JSON of its root module.
 *
 * The same bytes for the same specification, on any machine, in any directory, whatever the environment: the root is
 * a bare construct, because cdktf's `App` reads CDKTF_* variables (a context in them changes resource names) and
 * makes directories; keys are sorted; the `//` blocks (cdktf's version and construct paths) are left out.
 *
 * @param spec  checked here field by field, its type notwithstanding
 * @returns pretty-printed JSON with a newline at its end, to be stored as `cdk.tf.json`
 * @throws {Error} naming the field that is not allowed
 */
export function renderStack(spec: StackSpec): string {
  const stack = createStack(new RootConstruct(), checkSpec(spec));
  stack.prepareStack();
  stack.runAllValidations();
  return `${JSON.stringify(sortKeys(withoutMetadata(stack.toTerraform() as Configuration)), undefined, 2)}\n`;
}

type Configuration = Record<string, unknown> & { readonly resource: Record<string, Record<string, object>> };

function withoutMetadata({ '//': _stack, resource, ...rest }: Configuration): object {
  const bare = Object.entries(resource).map(([type, named]) => [
    type,
    Object.fromEntries(Object.entries(named).map(([name, body]) => [name, withoutComment({ ...body })])),
  ]);
  return { ...rest, resource: Object.fromEntries(bare) as object };
}

function withoutComment({ '//': _construct, ...rest }: Readonly<Record<string, unknown>>): object {
  return rest;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sortKeys(each)]));
}
