/** Calls of the fake engine that a test has broken. */
export type Call =
  | 'register'
  | 'login'
  | 'authenticate'
  | 'create'
  | 'mine'
  | 'delete'
  | 'basic'
  | 'detailed'
  | 'metrics'
  | 'audit';

export interface Broken {
  /** From now on the call throws this. */
  break(call: Call, thrown: unknown): void;
  /** @throws what the call was broken with */
  at(call: Call): void;
}

export function brokenCalls(): Broken {
  const broken = new Map<Call, unknown>();
  return {
    break: (call, thrown) => void broken.set(call, thrown),
    at: (call) => {
      if (broken.has(call)) throw broken.get(call);
    },
  };
}
