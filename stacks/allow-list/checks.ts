/**
 * The words of an allow-list: each makes a check that throws an Error naming the field, and never its value, which
 * may be hostile or secret. Plain functions rather than a schema library: they load in no time, and this
 * process starts once per run.
 */
export type Check = (value: unknown, field: string) => void;

export function refuse(field: string, reason: string): never {
  throw new Error(`${field}: ${reason}`);
}

/** An object with exactly these fields. */
export function object(fields: Readonly<Record<string, Check>>): Check {
  return (value, field) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      refuse(field, 'must be an object');
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(fields, key))
        refuse(join(field, JSON.stringify(key).slice(0, 40)), 'is not a known field');
    }
    for (const [key, check] of Object.entries(fields)) {
      check((value as Record<string, unknown>)[key], join(field, key));
    }
  };
}

/** An object whose field `kind` says which of these it is. */
export function byKind(kinds: Readonly<Record<string, Check>>): Check {
  const kind = oneOf(...Object.keys(kinds));
  return (value, field) => {
    const named = (value as { kind?: unknown } | null | undefined)?.kind;
    kind(named, join(field, 'kind'));
    kinds[named as string]?.(value, field);
  };
}

/** @param limits  fewest and most entries */
export function list(entry: Check, limits: { readonly min: number; readonly max: number }): Check {
  return (value, field) => {
    if (!Array.isArray(value)) refuse(field, 'must be a list');
    if (value.length < limits.min || value.length > limits.max) {
      refuse(field, `must have ${limits.min.toString()} to ${limits.max.toString()} entries`);
    }
    value.forEach((each, index) => {
      entry(each, `${field}[${index.toString()}]`);
    });
  };
}

export function optional(check: Check): Check {
  return (value, field) => {
    if (value !== undefined) check(value, field);
  };
}

export function oneOf(...allowed: readonly string[]): Check {
  return (value, field) => {
    if (typeof value !== 'string' || !allowed.includes(value))
      refuse(field, `must be one of ${allowed.join(', ')}`);
  };
}

export const flag: Check = (value, field) => {
  if (typeof value !== 'boolean') refuse(field, 'must be true or false');
};

export function integer(min: number, max: number): Check {
  return (value, field) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      refuse(field, `must be an integer from ${min.toString()} to ${max.toString()}`);
    }
  };
}

/** @param pattern  anchored at both ends */
export function text(pattern: RegExp, what: string, maxLength: number): Check {
  return (value, field) => {
    if (typeof value !== 'string') refuse(field, 'must be a string');
    if (value.length > maxLength) refuse(field, `is longer than ${maxLength.toString()} characters`);
    if (!pattern.test(value)) refuse(field, `is not ${what}`);
  };
}

/** Both checks, the cheap one first. */
export function both(first: Check, second: Check): Check {
  return (value, field) => {
    first(value, field);
    second(value, field);
  };
}

function join(field: string, key: string): string {
  return field === '' ? key : `${field}.${key}`;
}
