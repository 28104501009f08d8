/** Ports as a step gets them: what cannot be taken back begins only while the lease is held, and takes part in the trace. */
import { traced, type Tracing } from '../base/tracing';

type Verb = (...args: unknown[]) => Promise<unknown>;

/**
 * A port whose irreversible calls first ask whether the lease is held: a worker that was frozen past its lease must not
 * start them beside its successor's.
 *
 * @param irreversible  names of the calls that no write can take back; the interface of the port says them
 * @param assertHeld  throws when the lease may have run out
 */
export function guarded<Port extends object>(
  port: Port,
  irreversible: readonly (keyof Port & string)[],
  assertHeld: () => void,
): Port {
  return wrapped(port, irreversible, (_, call) => {
    assertHeld();
    return call();
  });
}

/** A port of which each call is a span of its own, such as `terraform plan`. */
export function tracedPort<Port extends object>(
  port: Port,
  verbs: readonly (keyof Port & string)[],
  { tracing, name }: { readonly tracing: Tracing; readonly name: string },
): Port {
  return wrapped(port, verbs, (verb, call) =>
    traced(tracing, `${name} ${verb}`, { attributes: { [`webhoster.${name}.command`]: verb } }, call),
  );
}

function wrapped<Port extends object>(
  port: Port,
  names: readonly (keyof Port & string)[],
  around: (name: string, call: () => Promise<unknown>) => Promise<unknown>,
): Port {
  const verbs = names.map((name) => {
    const verb = (...args: unknown[]): Promise<unknown> => (port[name] as Verb)(...args);
    return [name, async (...args: unknown[]) => around(name, () => verb(...args))];
  });
  return { ...port, ...Object.fromEntries(verbs) } as Port;
}
