/**
 * A part whose every call first checks that the lease is held: a worker that was frozen past its lease must not start
 * Terraform next to its successor's.
 *
 * @param assertHeld  throws if the lease may have expired
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
