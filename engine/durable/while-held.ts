/**
 * A part whose every call first asks whether the lease is held: a worker that was frozen past its lease must not start
 * Terraform beside its successor's.
 *
 * @param assertHeld  throws when the lease may have run out
 */
export function whileHeld<T extends object>(part: T, assertHeld: () => void): T {
  const guarded = (verb: (...args: unknown[]) => Promise<unknown>) => {
    return async (...args: unknown[]): Promise<unknown> => {
      assertHeld();
      return verb(...args);
    };
  };
  return Object.fromEntries(Object.entries(part).map(([name, verb]) => [name, guarded(verb as never)])) as T;
}
