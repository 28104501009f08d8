/**
 * What may stand in an Nginx configuration. Handlebars escapes HTML, not Nginx, so nothing is escaped there: every value
 * must match its own pattern.
 */

const patterns = {
  dir: /^\/[A-Za-z0-9._/-]+$/,
  baseDomain: /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/,
  module: /^[A-Za-z0-9._/-]+$/,
  user: /^[a-z_][a-z0-9_-]*$/,
  username: /^[a-z][a-z0-9-]{2,31}$/,
  ip: /^(\d{1,3}\.){3}\d{1,3}$/,
  backend: /^[A-Za-z0-9.-]+:\d{1,5}$/,
  generation: /^([0-9a-f]{16}|@generation@)$/,
  host: /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
  hostingId: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  thumbprint: /^[A-Za-z0-9_-]{43}$/,
  network: /^[0-9a-fA-F.:]+(\/\d{1,3})?$/,
  origin: /^https?:\/\/[A-Za-z0-9.-]+(:\d{1,5})?$/,
};

/** @throws {Error} that names the kind, and not the value */
export function check(name: keyof typeof patterns, value: string): string {
  if (!patterns[name].test(value)) throw new Error(`${name} does not fit into an Nginx configuration`);
  return value;
}

export function checkNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error('a number in an Nginx configuration must be a positive integer');
  return value;
}

export function checkPort(value: number): number {
  if (checkNumber(value) > 65_535) throw new Error('a port must be at most 65535');
  return value;
}

/** @param limits  0 sets no limit */
export function checkLimits<T extends object>(limits: T): T {
  for (const value of Object.values(limits) as number[])
    if (!Number.isSafeInteger(value) || value < 0) throw new Error('a limit must be a whole number');
  return limits;
}
