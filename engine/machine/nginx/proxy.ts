/** The way in from outside: web paths, host names and SSH ports of all hostings. */
export interface Route {
  readonly userId: number;
  readonly username: string;
  readonly ip: string;
  readonly sshPort: number;
  /** The hosting's id while it sleeps: page and SSH port lead to the doors (engine/sleep/doors), which have it woken. */
  readonly asleep?: string;
}

/** A port of a route that another program holds. */
export interface HeldPort {
  readonly port: number;
  /** `python3 (process 123)`; null where it cannot be seen from here. */
  readonly holder: string | null;
}

export interface Proxy {
  /**
   * Makes exactly these routes live. Returns when they are served; a refused configuration leaves the old one serving.
   * An SSH port that another program holds is left out: see `heldPorts`.
   *
   * @throws {EngineError} proxy_refused (the configuration did not pass Nginx's own test), proxy_unreachable
   */
  publish(routes: readonly Route[]): Promise<void>;
  /**
   * True when exactly these routes are served, as far as their ports can be had: what is written and what is live are
   * the same. Never throws.
   */
  serves(routes: readonly Route[]): Promise<boolean>;
  /** SSH ports of these routes that are not served, since another program holds them. Never throws. */
  heldPorts(routes: readonly Route[]): Promise<readonly HeldPort[]>;
  /** True when nobody else holds this port, so that a route can be opened there. */
  canListen(port: number): Promise<boolean>;
  /** The start of the page that the outside gets for this path. @throws {EngineError} proxy_unreachable */
  fetch(path: string): Promise<string>;
  /** e.g. `nginx 1.22.1`. @throws {EngineError} proxy_unreachable when it does not run */
  version(): Promise<string>;
}
