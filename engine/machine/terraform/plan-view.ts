/** A plan for the eyes of others: what it changes, in short, and the whole JSON with every sensitive value masked. */
import type { AttributeChange, ChangeAction, ResourceChange } from '../../model/plan';
import type { Marks, PlannedResource, TerraformPlan } from './terraform';

export const masked = '(sensitive)';

/** What an apply of the plan would do, resource by resource; reads and what stays are left out. */
export function plannedChanges(plan: TerraformPlan): ResourceChange[] {
  return (plan.resource_changes ?? []).flatMap(toChange);
}

/** What was changed behind Terraform's back since the last run. */
export function foundDrift(plan: TerraformPlan): ResourceChange[] {
  return (plan.resource_drift ?? []).flatMap(toChange);
}

/**
 * Terraform's own JSON, fit to be shown: every value that it marks as sensitive, in resources, variables and outputs,
 * is masked; the values of sensitive variables in the configuration are left out.
 */
export function maskedPlan(plan: TerraformPlan): Record<string, unknown> {
  const whole = plan as Record<string, unknown> & TerraformPlan;
  const secretVariables = sensitiveVariables(whole.configuration);
  return {
    ...whole,
    resource_changes: whole.resource_changes?.map(maskResource),
    resource_drift: whole.resource_drift?.map(maskResource),
    output_changes: maskEach(whole.output_changes, (change) =>
      maskChange(change as PlannedResource['change']),
    ),
    variables: maskEach(whole.variables, (variable, name) =>
      secretVariables.has(name) ? { value: masked } : variable,
    ),
    planned_values: maskValues(whole.planned_values),
    prior_state: maskValues(whole.prior_state),
    configuration: maskConfiguration(whole.configuration, secretVariables),
  };
}

function toChange({ address, type, mode, change }: PlannedResource): ResourceChange[] {
  const action = actionOf(change.actions);
  if (mode !== 'managed' || action === null) return [];
  const changed = action === 'update' || action === 'replace' ? changedAttributes(change) : [];
  return [{ address, type, action, attributes: changed }];
}

function actionOf(actions: readonly string[]): ChangeAction | null {
  const [first, second] = actions;
  if (second !== undefined) return 'replace';
  return first === 'create' || first === 'update' || first === 'delete' ? first : null;
}

function changedAttributes(change: PlannedResource['change']): AttributeChange[] {
  const { before, after, replace_paths: paths = [] } = change;
  const shown = maskChange(change);
  const forcing = new Set(paths.map(([name]) => String(name)));
  const unknown = (name: string): boolean => isMarked(at(change.after_unknown, name));
  return [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
    .filter((name) => unknown(name) || JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]))
    .sort()
    .map((name) => ({
      name,
      before: (shown.before as Record<string, unknown> | null)?.[name] ?? null,
      after: (shown.after as Record<string, unknown> | null)?.[name] ?? null,
      unknown: unknown(name),
      forcesReplace: forcing.has(name),
    }));
}

function maskResource<T extends PlannedResource>(resource: T): T {
  return { ...resource, change: maskChange(resource.change) };
}

function maskChange<T extends PlannedResource['change']>(change: T): T {
  return {
    ...change,
    before: mask(change.before, change.before_sensitive),
    after: mask(change.after, change.after_sensitive),
  };
}

/** `planned_values` and `prior_state`: resources with `values` beside `sensitive_values`, outputs with a flag. */
function maskValues(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(maskValues);
  if (typeof node !== 'object' || node === null) return node;
  const entries = node as Record<string, unknown>;
  if ('sensitive_values' in entries)
    return { ...entries, values: mask(entries.values, entries.sensitive_values as Marks) };
  if (entries.sensitive === true) return { ...entries, value: masked };
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, maskValues(value)]));
}

function sensitiveVariables(configuration: unknown): Set<string> {
  const variables = variablesOf(configuration);
  return new Set(Object.keys(variables).filter((name) => variables[name]?.sensitive === true));
}

function maskConfiguration(configuration: unknown, secret: ReadonlySet<string>): unknown {
  const { root_module: root } = (configuration ?? {}) as { root_module?: Record<string, unknown> };
  if (root === undefined) return configuration;
  const variables = maskEach(variablesOf(configuration), (variable, name) =>
    secret.has(name) ? { ...(variable as object), default: masked } : variable,
  );
  return { ...(configuration as object), root_module: { ...root, variables } };
}

function variablesOf(configuration: unknown): Record<string, { sensitive?: boolean } | undefined> {
  const { root_module: root } = (configuration ?? {}) as { root_module?: { variables?: object } };
  return (root?.variables ?? {}) as Record<string, { sensitive?: boolean }>;
}

function mask<T>(value: T, marks: Marks | undefined): T {
  if (marks === true) return (value === null || value === undefined ? value : masked) as T;
  if (marks === undefined || marks === false || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each: unknown, index) => mask(each, at(marks, index))) as T;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, mask(each as unknown, at(marks, key))]),
  ) as T;
}

function at(marks: Marks | undefined, key: string | number): Marks | undefined {
  if (typeof marks !== 'object') return marks;
  return (marks as Record<string | number, Marks | undefined>)[key];
}

/** True when the mark, or anything in it, is set. */
function isMarked(marks: Marks | undefined): boolean {
  if (typeof marks !== 'object') return marks === true;
  return Object.values(marks).some((each) => isMarked(each as Marks));
}

function maskEach(
  record: unknown,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> | undefined {
  if (typeof record !== 'object' || record === null) return undefined;
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}
