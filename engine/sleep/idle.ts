/** Which hostings nobody uses. Pure: the same facts give the same answer. */

export interface IdleFacts {
  /** ms since 1970, as every time here. */
  readonly now: number;
  /** Hostings that run and that nobody works on. */
  readonly hostings: readonly {
    readonly id: string;
    readonly ip: string;
    /** When something was last done to it. */
    readonly touchedAt: number;
  }[];
  /** Address -> when its last visit ended. */
  readonly visits: ReadonlyMap<string, number>;
  /** Addresses that somebody is connected to. */
  readonly connected: ReadonlySet<string>;
}

/** Hosting -> when it was last seen in use, or first seen at all. */
export type LastUse = ReadonlyMap<string, number>;

/** More than a running clock is put right by at a time. */
const jumpMs = 5_000;

/**
 * A clock that was set makes everybody idle at once, or nobody: all begin anew.
 *
 * @param skewMs  between the machine's clock and the time that has passed, at this look and at the one before
 */
export function unlessSet(lastUse: LastUse, skewMs: number, before: number | null): LastUse {
  return before !== null && Math.abs(skewMs - before) > jumpMs ? new Map() : lastUse;
}

/**
 * A hosting that is seen for the first time counts as used now: whoever has just been started knows nothing of what was
 * before. One that is given out as idle is forgotten, and begins anew when it runs again.
 */
export function findIdle(
  before: LastUse,
  { now, hostings, visits, connected }: IdleFacts,
  afterMs: number,
): { readonly lastUse: LastUse; readonly idle: readonly string[] } {
  const lastUse = new Map(
    hostings.map(({ id, ip, touchedAt }) => {
      const seen = before.get(id);
      const known = seen === undefined || connected.has(ip) ? now : seen;
      return [id, Math.min(now, Math.max(known, visits.get(ip) ?? 0, touchedAt))];
    }),
  );
  const idle = [...lastUse].filter(([, at]) => now - at >= afterMs).map(([id]) => id);
  for (const id of idle) lastUse.delete(id);
  return { lastUse, idle };
}
